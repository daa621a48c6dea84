use super::*;

#[test]
fn axis_ends_at_a_round_number_with_a_whole_half() {
    for (most, end) in [
        (0, 2),
        (1, 2),
        (3, 4),
        (5, 10),
        (11, 20),
        (40, 40),
        (41, 100),
        (999, 1_000),
    ] {
        assert_eq!(axis_max(&[0, most]), end, "{most}");
    }
    assert_eq!(axis_max(&[]), 2);
}

#[test]
fn axis_labels_include_the_first_and_the_last_day() {
    assert_eq!(label_days(30).collect::<Vec<_>>(), [0, 9, 19, 29]);
    assert_eq!(label_days(2).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(label_days(1).collect::<Vec<_>>(), [0]);
    assert_eq!(label_days(0).count(), 0);
}

#[test]
fn chart_has_a_bar_for_each_figure_and_a_table_of_all() {
    let owner = Owner::new();
    owner.set();
    let day = time::macros::datetime!(2026-11-20 00:00:00 UTC);
    let html = view! {
        <DailyChart
            id="memories"
            title="Memories created"
            days=vec![day, day + time::Duration::DAY]
            series=vec![
                Series { name: "Yours", values: vec![3, 0] },
                Series { name: "Shared with you", values: vec![1, 0] },
            ]
        />
    }
    .to_html();
    assert_eq!(html.matches("<title>").count(), 2, "{html}");
    assert!(html.contains("<title>20 Nov 2026: Yours 3"), "{html}");
    assert!(
        html.contains("Memories created in the last 2 days: Yours 3, Shared with you 1."),
        "{html}"
    );
    assert_eq!(html.matches("<tr").count(), 4, "{html}");
    // The second part stands on the first: 3 and 1 of 4.
    assert!(
        html.contains(r#"y="25.0""#) && html.contains(r#"y="0.0""#),
        "{html}"
    );
}
