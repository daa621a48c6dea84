DROP TABLE audit_denials;
