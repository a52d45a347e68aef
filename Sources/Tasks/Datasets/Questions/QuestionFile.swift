/// Functions that the readers of questions share.
enum QuestionFile {
    static func checkNotEmpty(_ questions: [Question], path: String) throws {
        if questions.isEmpty { throw DatasetError(path: path, problem: "has no questions") }
    }

    /// The most frequent value; of equally frequent ones, the first in the order of characters. nil for an empty list.
    static func commonest(_ values: [String]) -> String? {
        var counts: [String: Int] = [:]
        for value in values { counts[value, default: 0] += 1 }
        return counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key
    }
}
