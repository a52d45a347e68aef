/// The accuracy of the VQA benchmark (Antol et al. 2015, section 5): an answer that three people gave is right.
public enum VQAMetric {
    /// min(number of people who gave the answer / 3, 1), averaged over the subsets that leave one person out; in 0...1.
    ///
    /// With fewer than four given answers, no subset has three people. The accuracy is then 1 for an answer that
    /// somebody gave, otherwise 0.
    /// - Parameters:
    ///   - prediction: compared after ``AnswerNormalisation``.
    ///   - answers: one answer of each person.
    public static func accuracy(_ prediction: String, answers: [String]) -> Double {
        let answer = AnswerNormalisation.normalise(prediction)
        let said = answers.map { AnswerNormalisation.normalise($0) == answer }
        let agreeing = said.count(where: { $0 })
        guard answers.count > 3 else { return agreeing > 0 ? 1 : 0 }
        func score(_ count: Int) -> Double { min(Double(count) / 3, 1) }
        // `agreeing` subsets leave out a person who agrees, the other subsets one who does not.
        let total =
            Double(agreeing) * score(agreeing - 1) + Double(answers.count - agreeing) * score(agreeing)
        return total / Double(answers.count)
    }
}
