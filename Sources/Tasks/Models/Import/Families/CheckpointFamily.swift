import Language
import Support
import Tensors
import Vision
import Weights

/// A family of captioners or VQA models from elsewhere: one row of the table ``all``.
///
/// Adding a family is adding a row: what tells its files, which of its tensors become which of mmx's, how its image is
/// prepared, how its words are numbered, what its decoder is and how it searches.
struct CheckpointFamily: Sendable {
    let name: String
    /// One line for `mmx model import --list`: whose, and what it is.
    let title: String
    /// The names and shapes that tell it.
    let evidence: TensorPattern
    /// What stands against it although the evidence is there: a reason to refuse the file; nil for none.
    var refusal: @Sendable (FamilyContext) -> String? = { _ in nil }
    let model: @Sendable (FamilyContext) throws -> Model
    /// mmx's tensors of the head.
    let renames: @Sendable (FamilyContext) throws -> [Rename]
    /// mmx's tensors whose rows are words that are read, and words that are written.
    var inputRows = ["words.weight"]
    var outputRows = ["output.words.weight", "output.words.bias"]
    /// Further tensors of the checkpoint that are not needed, by their names behind the root.
    var unneeded: [String] = []
    var special = WordOrder.Special.named
    /// How its vocabulary's file is written, where that is not to be found out.
    var wordFile = WordList.Form.any
    /// What the original program makes of the list of words; the number is that of the rows.
    var completed: @Sendable (WordList, Int) -> WordList = { list, _ in list }
    /// Where the checkpoint itself has its vocabulary.
    var vocabulary: @Sendable (FamilyContext) -> PlainValue? = { _ in nil }
    /// The architectures of its CNN that come before others of the same names and shapes.
    var preferredEncoders: [String] = []
    /// How its CNN's weights are called where they are in no checkpoint, for the message that asks for them.
    var usualEncoder = "the CNN's weights"
    let preprocessing: @Sendable (FamilyContext) -> Preprocessing
    /// What differs from the original.
    var notes: [String] = []
    /// The same, where it depends on the file.
    var furtherNotes: @Sendable (FamilyContext) -> [String] = { _ in [] }

    /// What the head is.
    enum Model: Sendable {
        case captioner(DecoderConfiguration, SearchOptions)
        case vqa(VQAHeadConfiguration, QuestionTokens?)
    }

    /// All families, the more particular before the more general.
    static let all: [CheckpointFamily] =
        [sgrvinod] + selfCritical + [twoGlimpses, joinedLSTM, neuralTalk, im2txt, deepRNN] + showAndTell
        + [merge]

    /// What TensorFlow's optimisers call their copies of a variable.
    private static let slots = ["Momentum", "Adam", "RMSProp", "ExponentialMovingAverage"]

    /// Whether a tensor's full name shows that only training needs it.
    static func isTraining(_ name: String) -> Bool {
        name.split(separator: ".").contains { $0.lowercased().contains("optim") }
            || name.hasSuffix(".num_batches_tracked") || slots.contains { name.contains("/\($0)") }
    }
}

/// Why a file of a family cannot be imported; the importer adds the path.
struct FamilyProblem: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// What is known of a file while it is imported.
struct FamilyContext: Sendable {
    let file: ImportedFile
    /// The file's tensors under their full names.
    let tensors: [String: Tensor]
    let values: PlainValue
    /// Beside it: the options of a training program (infos of ruotianluo's).
    var options: PlainValue = .none
    let match: TensorPattern.Match
    /// Known once the encoder was found.
    var encoder: ImportedEncoder?
    /// The tensors beside the encoder in its file: its embedding's layer.
    var besideEncoder: [String: Tensor] = [:]
    /// Whether that file is this one.
    var isEncoderInside = false
    /// The number of words, special ones of mmx's too; known once the vocabulary was read.
    var vocabulary = 0
    var answers = 0

    subscript(symbol: Character) -> Int { match[symbol] }
    /// Channels of the encoder's feature map.
    var channels: Int { encoder?.channels ?? 0 }
    func has(_ name: String) -> Bool { tensors[match.root + name] != nil }

    /// The number of a stacked LSTM's layers, whose names end with `_l0`, `_l1`, ...
    func layers(_ name: String) -> Int {
        var count = 0
        while tensors["\(match.name(name))\(count)"] != nil { count += 1 }
        return count
    }
}

extension Preprocessing {
    /// - Parameters:
    ///   - side: of the network's input, in pixels.
    ///   - shortSide: for a crop.
    static func of(
        _ encoder: ImportedEncoder?, side: Int, fit: Fit, shortSide: Int? = nil, filter: ResizeFilter = .bilinear
    ) -> Preprocessing {
        let pixels = encoder?.preprocessing ?? .imageNet()
        return Preprocessing(
            width: side, height: side, fit: fit, resizeShortSide: shortSide, filter: filter, mean: pixels.mean,
            std: pixels.std)
    }

    /// A photograph at its own size.
    static func native(_ encoder: ImportedEncoder?) -> Preprocessing {
        let pixels = encoder?.preprocessing ?? .imageNet()
        let smallest = (try? encoder?.configuration.architecture().smallestSide) ?? 1
        return Preprocessing(
            width: 224, height: 224, fit: .native, nativeSmallest: max(32, smallest), filter: .bilinear,
            mean: pixels.mean,
            std: pixels.std)
    }
}
