/// The similarity of the raw maps of two answers to one question, where the model's answer is not the expected one:
/// Pearson's correlation of both maps. It is 1 for a method whose map does not depend on the answer.
enum AnswerCorrelation {
    /// The column of the table.
    static let column = MapColumn(name: "answerCorrelation", title: "between answers", isShare: false, table: .sanity)

    /// Adds the figure to the methods' rows of the answer that the model gives.
    static func measure(_ maps: ImageMaps, _ found: inout [TargetFigures]) {
        for (index, target) in maps.targets.enumerated() {
            for n in found[index].figures.indices {
                let method = found[index].figures[n].method
                guard let given = target.maps.first(where: { $0.method == method }),
                    let expected = target.maps.first(where: { $0.method == method + QuestionMaps.suffix }),
                    let answer = given.fields["answer"], let other = expected.fields["answer"], answer != other
                else { continue }
                let (a, b) = (given.raw.array.map(Double.init), expected.raw.array.map(Double.init))
                if let alike = Correlation.pearson(a, b) {
                    found[index].figures[n].terms[column.name] = Ratio(alike)
                }
            }
        }
    }
}
