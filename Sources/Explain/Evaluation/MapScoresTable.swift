import Foundation

extension MapScores {
    /// For a terminal: a block for each kind and one for all, a line for each method, 95 % intervals in brackets.
    public func table() -> String {
        // A kind that is all there is would be printed twice.
        let named = kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let blocks = named.count == 1 && named[0].1.targets == all.targets ? named : named + [("all", all)]
        return blocks.map { name, group in block(name, group) }.joined(separator: "\n\n")
    }

    private func block(_ name: String, _ group: Group) -> String {
        let over = Self.rivals.map { "over \($0)" }
        var rows = [["method", "maps"] + MapColumn.all.map(\.title) + over]
        for method in methods {
            guard let found = group.methods[method] else { continue }
            rows.append(
                [method, "\(found.maps)"]
                    + MapColumn.all.map { text(found.figures[$0.name], isShare: $0.isShare) }
                    + Self.rivals.map { $0 == method ? "" : text(found.pointingOver[$0], isShare: true, signed: true) })
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }
        return (["\(name): \(count(group.targets, "target")) in \(count(group.pictures, "picture"))"] + lines).joined(
            separator: "\n")
    }

    private func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private func text(_ estimate: Estimate?, isShare: Bool, signed: Bool = false) -> String {
        guard let estimate else { return "-" }
        let sign = signed ? "+" : ""
        return isShare
            ? String(
                format: "%\(sign).1f %% [%\(sign).1f, %\(sign).1f]", estimate.value * 100, estimate.low * 100,
                estimate.high * 100)
            : String(format: "%.2f [%.2f, %.2f]", estimate.value, estimate.low, estimate.high)
    }
}
