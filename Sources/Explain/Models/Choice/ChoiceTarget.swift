/// What a person asks to have explained of a model that chooses from a list: of answers, or of classes.
///
/// The number that is explained is one choice's score before the softmax, y = logit(index), or the difference of two,
/// y = logit(index) - logit(against). It is taken before the softmax because a probability also grows when the other
/// choices' scores fall (Selvaraju et al. 2017, section 3: y^c is the score before the softmax).
public enum ChoiceTarget: Equatable, Sendable {
    /// The likeliest choice.
    case best
    /// An answer by its text, or a class by its name or its index, whether or not it is the likeliest.
    case named(String)
    /// Why the first rather than the second.
    case contrast(String, against: String)

    /// The choices that the target names; nil for the likeliest, which only the model's scores tell.
    /// - Parameters:
    ///   - kind: of the error for a choice that is compared with itself.
    ///   - what: how messages call a choice: "answer", "class".
    ///   - index: finds a choice; it throws for one that the model does not have.
    ///   - name: the short name of a choice.
    /// - Throws: ``ExplanationError`` for a choice that is compared with itself; what `index` throws.
    func choices(
        _ kind: ExplanationError.Kind, _ what: String, index: (String) throws -> Int, name: (Int) -> String
    ) throws -> (index: Int, against: Int?)? {
        switch self {
        case .best: return nil
        case .named(let text): return (try index(text), nil)
        case .contrast(let text, let other):
            let first = try index(text), second = try index(other)
            guard first != second else {
                throw ExplanationError(
                    kind: kind, description: "the \(what) '\(name(first))' cannot be held against itself")
            }
            return (first, second)
        }
    }
}
