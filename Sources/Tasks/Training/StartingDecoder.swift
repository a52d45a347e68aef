import Foundation
import Language
import Tensors
import Weights

/// The decoder of another captioner, from which training starts. The new vocabulary may have more words, and the same
/// words in another order.
struct StartingDecoder {
    let folder: URL

    /// Puts the decoder into `store`, strictly.
    /// - Parameters:
    ///   - place: where the decoder's parameters are, in the folder's weights and in the store.
    ///   - decoder: the new one.
    /// - Throws: ``ModelError`` where `vocabulary` lacks a word of the other's, and the readers' own errors.
    func put(
        into store: ParameterStore, at place: String, of decoder: DecoderConfiguration, vocabulary: Vocabulary
    ) throws {
        let other = try Captioner.load(folder)
        let missing = other.vocabulary.words.indices.filter {
            $0 != other.vocabulary.unknown
                && vocabulary.encode([other.vocabulary.word(at: $0)]) == [vocabulary.unknown]
        }
        if let first = missing.first {
            throw ModelError(
                path: folder.path,
                problem: "has another vocabulary (\(other.vocabulary.count) words) than these captions "
                    + "(\(vocabulary.count) words), which lacks \(missing.count) of its words, such as "
                    + "'\(other.vocabulary.word(at: first))'; training cannot start from its decoder")
        }
        let state = try SafeTensors.read(folder.appendingPathComponent("model.safetensors")).filter {
            $0.key.hasPrefix("\(place).")
        }
        let strict = ParameterStore(strict: state, origin: folder.path)
        // Where the other decoder has no visual term, this one's stays new: it adds nothing yet.
        var old = decoder
        if other.configuration.decoder.visual == nil { old.visual = nil }
        old.vocabulary = other.vocabulary.count
        _ = old.makeDecoder(strict.scope()[place])
        try strict.checkComplete()
        let byWord = Self.namesOfRowsByWord(old, at: place)
        for (name, value) in strict.values {
            guard other.vocabulary != vocabulary, byWord.contains(name), let own = store.values[name] else {
                store.set(name, value.copy())
                continue
            }
            store.set(name, Self.spread(value, of: other.vocabulary, over: own, of: vocabulary))
        }
    }

    /// The parameters with a row for each word: those whose shape another number of words changes.
    private static func namesOfRowsByWord(_ decoder: DecoderConfiguration, at place: String) -> Set<String> {
        func shapes(_ count: Int) -> [String: [Int]] {
            var decoder = decoder
            decoder.vocabulary = count
            let store = ParameterStore { _, shape in Tensor(shape) }
            _ = decoder.makeDecoder(store.scope()[place])
            return store.values.mapValues(\.shape)
        }
        let more = shapes(decoder.vocabulary + 1)
        return Set(shapes(decoder.vocabulary).filter { more[$0.key] != $0.value }.keys)
    }

    /// The rows of another vocabulary's words in this one's order. Words that the other lacks keep their rows of `own`;
    /// as a bias they get the lowest of the written words'.
    private static func spread(
        _ value: Tensor, of other: Vocabulary, over own: Tensor, of vocabulary: Vocabulary
    ) -> Tensor {
        let result = own.copy()
        let width = own.count / vocabulary.count
        if own.shape.count == 1 {
            let lowest = value.array[Vocabulary.special.count...].min() ?? 0
            for i in 0..<own.count { result.pointer[i] = lowest }
        }
        for (from, to) in vocabulary.encode(other.words).enumerated() {
            (result.pointer + to * width).update(from: value.pointer + from * width, count: width)
        }
        return withExtendedLifetime(value) { result }
    }
}
