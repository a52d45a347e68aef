import Language
import Tasks

/// A caption as a captioner reads it, with the spelling of the words that it does not know.
public struct CaptionWords: Equatable, Sendable {
    /// Indices into the vocabulary, without `<start>` and `<end>`.
    public let indices: [Int]
    /// What stands for the vocabulary's `<unknown>` at a position, as a person wrote it.
    private let spellings: [Int: String]

    /// The words of a vocabulary, as its indices.
    public init(_ indices: [Int]) { (self.indices, spellings) = (indices, [:]) }

    /// Words as a person wrote them; what the vocabulary lacks is read as an unknown word.
    public init(_ words: [String], in vocabulary: Vocabulary) {
        let indices = vocabulary.encode(words)
        self.indices = indices
        spellings = Dictionary(
            uniqueKeysWithValues: words.enumerated().filter { indices[$0.offset] == vocabulary.unknown }.map {
                ($0.offset, $0.element)
            })
    }

    /// The words' spelling: the vocabulary's, or the person's own.
    func names(in vocabulary: Vocabulary) -> [String] {
        indices.enumerated().map { spellings[$0.offset] ?? vocabulary.word(at: $0.element) }
    }
}

extension Explainer where Model == Captioner {
    /// The same for a caption of the model's own words, given as indices into its vocabulary.
    /// - Throws: what explaining a caption of ``CaptionWords`` throws.
    public func explain(
        _ image: EncodedImage, input words: [Int], targets requests: [CaptionTarget],
        progress: ((Int, Int) -> Void)? = nil
    ) throws -> Explanation<Captioner> {
        try explain(image, input: CaptionWords(words), targets: requests, progress: progress)
    }
}
