/** Rows as text, each column as wide as its widest cell. The first row has the titles. */
export function table(rows: string[][]) {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
  return rows.map((row) => line(row).join('  ').trimEnd()).join('\n')
}
