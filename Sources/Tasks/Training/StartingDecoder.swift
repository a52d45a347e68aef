import Foundation
import Language
import Tensors
import Weights

/// The decoder of another captioner, from which training starts. The new vocabulary may have more words, and the same
/// words in another order. Of a decoder of another kind, the parameters that both have are taken.
struct StartingDecoder {
    let folder: URL

    /// Puts the decoder into `store`, strictly.
    /// - Parameters:
    ///   - place: where the decoder's parameters are, in the folder's weights and in the store.
    ///   - decoder: the new one.
    /// - Returns: of a decoder of another kind, the names of the parameters that were taken; nil for one of this kind, of
    ///   which all are.
    /// - Throws: ``ModelError`` where `vocabulary` lacks a word of the other's, and the readers' own errors.
    func put(
        into store: ParameterStore, at place: String, of decoder: DecoderConfiguration, vocabulary: Vocabulary
    ) throws -> [String]? {
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
        let isSameKind = other.configuration.decoder.kind == decoder.kind
        var old = isSameKind ? decoder : other.configuration.decoder
        if other.configuration.decoder.visual == nil { old.visual = nil }
        old.vocabulary = other.vocabulary.count
        _ = old.makeDecoder(strict.scope()[place])
        try strict.checkComplete()
        let byWord = Self.namesOfRowsByWord(old, at: place)
        let rows = other.vocabulary == vocabulary ? nil : vocabulary.encode(other.vocabulary.words)
        var taken: [String] = []
        for (name, value) in strict.values {
            let isByWord = byWord.contains(name)
            let name = isSameKind ? name : Self.name(name)
            guard let own = store.values[name],
                let placed = Self.placed(
                    value, over: own, rows: isByWord ? rows : nil,
                    mayBeNarrower: name.hasPrefix("\(place).\(DecoderConfiguration.visualTerm)."))
            else { continue }
            store.set(name, placed)
            taken.append(name)
        }
        if isSameKind { return nil }
        guard !taken.isEmpty else {
            throw ModelError(
                path: folder.path,
                problem: "has a decoder of the kind \(old.kind.rawValue), of which none of the parameters fits "
                    + "\(decoder.kind.rawValue) of these sizes; take the same --embedding and --hidden, or train from "
                    + "nothing")
        }
        return taken.sorted()
    }

    /// The name in a decoder of another kind. Both LSTMs order their gates alike.
    private static func name(_ name: String) -> String {
        let names = [
            "lstm.input.weight": "lstm.weight_ih_l0", "lstm.hidden.weight": "lstm.weight_hh_l0",
            "lstm.input.bias": "lstm.bias_l0",
        ]
        for (own, other) in names where name.hasSuffix(".\(own)") { return name.dropLast(own.count) + other }
        return name
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

    /// `own` with the rows of `value`; nil where `value` has another shape.
    /// - Parameters:
    ///   - rows: for parameters with a row for each word of another vocabulary, the words' rows in this one; nil where
    ///     rows keep their places. Words that the other lacks keep their rows of `own`; as a bias they get the lowest of
    ///     the written words'.
    ///   - mayBeNarrower: whether `value` may have fewer rows and columns. They become the first ones.
    private static func placed(
        _ value: Tensor, over own: Tensor, rows: [Int]?, mayBeNarrower: Bool
    ) -> Tensor? {
        guard own.shape.count == value.shape.count, own.shape[0] >= value.shape[0] else { return nil }
        let (width, columns) = (own.count / own.shape[0], value.count / value.shape[0])
        let hasSameRows = rows != nil || own.shape[0] == value.shape[0]
        guard mayBeNarrower ? width >= columns : width == columns && hasSameRows else { return nil }
        let result = own.copy()
        if rows != nil, own.shape.count == 1 {
            let lowest = value.array[Vocabulary.special.count...].min() ?? 0
            for i in 0..<own.count { result.pointer[i] = lowest }
        }
        for from in 0..<value.shape[0] {
            let to = rows?[from] ?? from
            (result.pointer + to * width).update(from: value.pointer + from * columns, count: columns)
        }
        return withExtendedLifetime(value) { result }
    }
}
