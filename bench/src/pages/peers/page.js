import rows from "./rows.json";

// Rendered for each request.
export const dynamic = "force-dynamic";

export default function Page() {
  return (
    <main>
      <h1>Memories</h1>
      <table>
        <thead>
          <tr>
            <th>Memory</th>
            <th>Kind</th>
            <th>Tags</th>
            <th>Seen by</th>
            <th>Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n}>
              <td>
                <a href={`/memories/${n}`}>{row.content}</a>
              </td>
              <td>{row.kind}</td>
              <td>{row.tags}</td>
              <td>{row.visibility}</td>
              <td>
                <time>{row.updated}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </main>
  );
}
