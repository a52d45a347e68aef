import Support

/// Rows of cells in columns.
enum Table {
    /// - Parameters:
    ///   - right: the columns that are aligned to the right; the others are to the left.
    ///   - minimum: the least width of each of the first columns, in characters.
    static func text(_ rows: [[String]], right: Set<Int> = [], minimum: [Int] = []) -> String {
        // One name of megabytes in a file would widen every row.
        let rows = rows.map { $0.map { PrintableText.shortened($0, to: 200) } }
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            let least = column < minimum.count ? minimum[column] : 0
            return rows.map { column < $0.count ? $0[column].count : 0 }.reduce(least, max)
        }
        return rows.map { row in
            row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                if right.contains(column) { return space + cell }
                return column == row.count - 1 ? cell : cell + space
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
