import Foundation

extension MapScores {
    /// The scores as text: a block for each kind and one for all targets, with a line for each method. The 95 %
    /// intervals are in brackets.
    public func table() -> String {
        // If all targets have one kind, its block is that of all targets.
        let named = kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let blocks = named.count == 1 && named[0].1.targets == all.targets ? named : named + [("all", all)]
        let tables = blocks.map { name, group in block(name, group) }
        return
            (tables + (evidence.map { [$0.table(methods: methods)] } ?? [])
            + (randomisation.map { [Self.table($0)] } ?? [])).joined(separator: "\n\n")
    }

    /// The tables of a group: one for each ``MapColumn/Table`` that was measured.
    private func block(_ name: String, _ group: Group) -> String {
        let title = "\(name): \(count(group.targets, "target")) in \(count(group.images, "image"))"
        return MapColumn.Table.allCases.compactMap { table -> String? in
            let columns = MapColumn.all.filter { column in
                column.table == table
                    && (table == .localisation || group.methods.values.contains { $0.figures[column.name] != nil })
            }
            if columns.isEmpty { return nil }
            let rivals = table == .localisation ? Self.rivals : []
            var rows = [["method", "maps"] + columns.map(\.title) + rivals.map { "over \($0)" }]
            for method in methods {
                guard let found = group.methods[method] else { continue }
                let figures = columns.map { text(found.figures[$0.name], isShare: $0.isShare) }
                let over = rivals.map { $0 == method ? "" : text(found.pointingOver[$0], isShare: true, signed: true) }
                rows.append([method, "\(found.maps)"] + figures + over)
            }
            return ([title] + Self.lines(rows)).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    /// Rows of text with aligned columns.
    static func lines(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }
    }

    private func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    /// The table of the similarity of maps while the model's layers are randomised.
    private static func table(_ steps: [RandomisedMaps]) -> String {
        let rows = steps.map { step in
            [step.downTo, step.method, text(step.spearman, isShare: false), text(step.ssim, isShare: false)]
        }
        let head = ["randomised from the head down to", "method", "Spearman", "SSIM"]
        return lines([head] + rows).joined(separator: "\n")
    }

    private func text(_ estimate: Estimate?, isShare: Bool, signed: Bool = false) -> String {
        Self.text(estimate, isShare: isShare, signed: signed)
    }

    static func text(_ estimate: Estimate?, isShare: Bool, signed: Bool = false) -> String {
        guard let estimate else { return "-" }
        let sign = signed ? "+" : ""
        return isShare
            ? String(
                format: "%\(sign).1f %% [%\(sign).1f, %\(sign).1f]", estimate.value * 100, estimate.low * 100,
                estimate.high * 100)
            : String(format: "%.2f [%.2f, %.2f]", estimate.value, estimate.low, estimate.high)
    }
}
