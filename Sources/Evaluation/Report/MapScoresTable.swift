import Foundation

extension MapScores {
    /// The scores as text: a block for each kind and one for all targets, with a line for each method. The 95 %
    /// intervals are in brackets.
    public func table() -> String {
        // If all targets have one kind, its block is that of all targets.
        let named = kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let blocks = named.count == 1 && named[0].1.targets == all.targets ? named : named + [("all", all)]
        let measured: [MapColumn.Table] = [.localisation, .faithfulness, .sanity]
        var tables = blocks.map { name, group in block(name, group, measured) }
        tables.append(block(blocks[blocks.count - 1].0, all, [.shape]))
        if let difficult { tables.append(block("difficult", difficult, [.localisation])) }
        if let sameWord { tables.append(block("same word", sameWord, [.sameWord])) }
        if let rightPerson { tables.append(block("right person", rightPerson, [.rightPerson])) }
        if let grounding { tables.append(grounding.table(methods: methods)) }
        return
            (tables.filter { !$0.isEmpty } + (evidence.map { [$0.table(methods: methods)] } ?? [])
            + (randomisation.map { [Self.table($0)] } ?? [])).joined(separator: "\n\n")
    }

    /// Tables of a group: those that were measured.
    private func block(_ name: String, _ group: Group, _ tables: [MapColumn.Table]) -> String {
        let title = "\(name): \(count(group.targets, "target")) in \(count(group.images, "image"))"
        return tables.compactMap { table -> String? in
            let columns = MapColumn.all.filter { column in
                column.table == table
                    && (table == .localisation || group.methods.values.contains { $0.figures[column.name] != nil })
            }
            if columns.isEmpty { return nil }
            let rivals = table == .localisation ? Self.rivals : []
            var rows = [["method", "maps"] + columns.map(\.title) + rivals.map { "over \($0)" }]
            for method in methods {
                guard let found = group.methods[method] else { continue }
                let figures = columns.map {
                    Self.text(found.figures[$0.name], isShare: $0.isShare, decimals: $0.decimals)
                }
                // References that are no maps have no figures of a map alone.
                if table == .shape && columns.allSatisfy({ found.figures[$0.name] == nil }) { continue }
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

    static func text(_ estimate: Estimate?, isShare: Bool, signed: Bool = false, decimals: Int = 2) -> String {
        guard let estimate else { return "-" }
        let sign = signed ? "+" : ""
        return isShare
            ? String(
                format: "%\(sign).1f %% [%\(sign).1f, %\(sign).1f]", estimate.value * 100, estimate.low * 100,
                estimate.high * 100)
            : String(
                format: "%.\(decimals)f [%.\(decimals)f, %.\(decimals)f]", estimate.value, estimate.low,
                estimate.high)
    }
}
