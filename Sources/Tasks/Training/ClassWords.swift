import Foundation
import Support
import Tensors
import Vision
import Weights

/// Words, and the classes of a classifier that show them: "cat", "cats" and "kitten" are shown by "tabby" and four other
/// classes of ImageNet.
///
/// A file has tab-separated columns and the header `words`, `classes`. Words have spaces between them. Classes are
/// numbers, counted from 0, joined by `;`; what follows a number, such as the class's name, is for readers.
struct ClassWords: Equatable {
    struct Row: Equatable {
        /// Forms of one word, in lower case.
        var words: [String]
        var classes: [Int]
    }

    let rows: [Row]

    /// - Parameter count: the number of the classifier's classes.
    /// - Throws: ``DatasetError`` with the line.
    init(_ url: URL, classes count: Int) throws {
        var rows: [Row] = []
        var seen: Set<String> = []
        var hasHeader = false
        try DatasetFile.lines(try DatasetFile.data(url, of: "words and classes"), path: url.path) { line, number in
            func refuse(_ problem: String) -> DatasetError {
                DatasetError(path: url.path, line: number, problem: problem)
            }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            if !hasHeader {
                guard fields == ["words", "classes"] else {
                    throw refuse("the header must be 'words', a tab and 'classes', found \(DatasetFile.quoted(line))")
                }
                hasHeader = true
                return
            }
            guard fields.count == 2 else {
                throw refuse("has \(fields.count) field\(fields.count == 1 ? "" : "s"), expected words, a tab, classes")
            }
            let words = fields[0].split(separator: " ").map { $0.lowercased() }
            guard !words.isEmpty else { throw refuse("has no word") }
            for word in words where !seen.insert(word).inserted {
                throw refuse("has \(DatasetFile.quoted(word)), which stands in the file already")
            }
            if fields[1].allSatisfy({ $0 == " " }) { throw refuse("has no class") }
            let classes = try fields[1].split(separator: ";", omittingEmptySubsequences: false).map { text in
                let digits = text.drop { $0 == " " }.prefix { $0 != " " }
                guard let index = Int(digits), (0..<count).contains(index) else {
                    throw refuse(
                        "expected the number of a class, 0...\(count - 1), found \(DatasetFile.quoted("\(text)"))")
                }
                return index
            }
            rows.append(Row(words: words, classes: classes))
        }
        guard !rows.isEmpty else { throw DatasetError(path: url.path, problem: "has no words") }
        self.rows = rows
    }
}

/// What a linear classifier on a feature map expects of it: for each class the direction of the feature vectors whose
/// score for the class is high.
struct ClassPrototypes {
    /// `[classes, K]`, not negative. A feature vector to which s times row c is added scores s more for class c, less
    /// what it scores more for the mean class.
    let directions: Tensor

    var count: Int { directions.shape[0] }
    /// SHA-256 of the numbers, in hexadecimal.
    var hash: String { sha256(directions.array.withUnsafeBytes { Data($0) }) }

    /// - Parameter weights: `[classes, K]`. Adding the same vector to all rows changes no probability, so their mean is
    ///   taken out; feature vectors behind a ReLU have no negative elements, so the rest is cut off at 0. On one
    ///   photograph of each of 214 classes, this direction has a cosine of 0.49 to the mean of the 20 cells with the
    ///   highest scores, less the mean of all cells; the weights themselves have 0.42.
    init(weights: Tensor) {
        let (classes, width) = (weights.shape[0], weights.shape[1])
        var mean = [Float](repeating: 0, count: width)
        for c in 0..<classes { for k in 0..<width { mean[k] += weights.pointer[c * width + k] / Float(classes) } }
        directions = Tensor([classes, width])
        for c in 0..<classes {
            var product: Float = 0
            for k in 0..<width {
                let centred = weights.pointer[c * width + k] - mean[k]
                directions.pointer[c * width + k] = max(0, centred)
                product += max(0, centred) * centred
            }
            for k in 0..<width where product > 0 { directions.pointer[c * width + k] /= product }
        }
        withExtendedLifetime(weights) {}
    }

    /// The classifier of an encoder's checkpoint, whose head is global average pooling and one linear layer.
    /// - Parameter channels: of the encoder's feature map.
    /// - Throws: ``ModelError`` for an encoder with another head or a checkpoint of other shapes, and the readers' own
    ///   errors.
    init(_ url: URL, of encoder: EncoderConfiguration, channels: Int) throws {
        let architecture = try encoder.architecture()
        guard architecture.camLayer != nil else {
            throw ModelError(
                path: url.path,
                problem: "\(encoder.name) has no classifier that is linear in the feature map; captions without "
                    + "images need one")
        }
        let file = try WeightsFile(url, for: NamedCheckpoint.names(architecture))
        guard let weights = file.tensors[architecture.classesKey] else {
            throw ModelError(
                path: url.path, problem: "has no classifier: the tensor '\(architecture.classesKey)' is missing")
        }
        guard weights.shape.count == 2, weights.shape[0] > 1, weights.shape[1] == channels else {
            throw ModelError(
                path: url.path,
                problem: "the classifier '\(architecture.classesKey)' has the shape \(weights.shape), expected "
                    + "[classes, \(channels)]")
        }
        self.init(weights: weights)
    }
}
