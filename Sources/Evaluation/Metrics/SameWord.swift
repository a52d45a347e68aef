/// Same-word discrimination: ``Discrimination`` between the occurrences of one word. If a word heads two phrases of one
/// caption whose regions are apart ("a man in red and a man in blue"), the map of each occurrence should have a larger
/// share in its own region than the other occurrence's map has there. A model that knows the word, but not which of its
/// occurrences it is about, has 50 %.
///
/// Regions are apart if their IoU is below ``Discrimination/overlap``, 0.1.
enum SameWord {
    /// The column of the table.
    static let column = MapColumn(name: "sameWord", title: "same word", isShare: true, table: .sameWord)
    /// Shares that differ by less are equal. Maps that differ by a factor only have the same shares but for rounding.
    static let tie = 1e-5

    /// The other occurrences of each target's word among its rivals (``Discrimination/rivals(_:)``).
    static func rivals(_ targets: [MapTarget], rivals: [[Int]]) -> [[Int]] {
        zip(targets, rivals).map { target, rivals in
            guard let word = target.fields["word"] else { return [] }
            return rivals.filter {
                targets[$0].fields["word"] == word && targets[$0].fields["position"] != target.fields["position"]
            }
        }
    }

    /// As ``Discrimination/score(own:others:)``, with a tie of shares that are nearly equal.
    static func score(own: Double, others: [Double]) -> Ratio? {
        if others.isEmpty { return nil }
        let won = others.reduce(0.0) { $0 + (abs(own - $1) < tie ? 0.5 : own > $1 ? 1 : 0) }
        return Ratio(won, over: Double(others.count))
    }
}
