import Foundation
import Language
import Tensors
import Vision

/// A caption with the boxes of the phrases in it.
struct BoxedCaption: Equatable {
    /// Word indices.
    var words: [Int]
    /// For the head word of each phrase its position in ``words``, and the phrase's boxes in pixels of the image file.
    var places: [Int: [Rectangle]]

    /// The captions of phrases, each once, in their order; phrases without boxes are left out.
    static func captions(of phrases: [Phrase], _ vocabulary: Vocabulary) -> [BoxedCaption] {
        let tokenizer = CaptionTokenizer()
        func tokens(_ words: some Sequence<String>) -> [String] { words.flatMap { tokenizer.tokens($0) } }
        var found: [BoxedCaption] = []
        var index: [[String]: Int] = [:]
        for phrase in phrases where !phrase.boxes.isEmpty {
            // Not all words of a phrase's caption are tokens: punctuation is none.
            let before = tokens(phrase.caption[..<phrase.head]).count
            guard !tokenizer.tokens(phrase.caption[phrase.head]).isEmpty else { continue }
            let position = before + tokenizer.tokens(phrase.caption[phrase.head]).count - 1
            let caption = index[phrase.caption] ?? found.count
            if caption == found.count {
                index[phrase.caption] = caption
                found.append(BoxedCaption(words: vocabulary.encode(tokens(phrase.caption)), places: [:]))
            }
            found[caption].places[position] = phrase.boxes
        }
        return found
    }
}

/// The lesson of one step for a captioner's attention: before the head word of a phrase is written, the attention
/// should lie on the phrase's boxes (attention correctness, Liu et al. 2017, arXiv 1605.09553, eq. 8). Otherwise two
/// mentions of one word have one map, wherever the decoder looks.
struct AttentionLesson {
    /// `[N][T]`, as a decoder reads them; N / M captions of each of M images.
    let inputs: [[Int]]
    /// `[T, N, L]`: the part of each region that the boxes of the next word cover, divided by the number of words with
    /// boxes; zeros for other words.
    let covered: Tensor
    /// `[T, N, L]`: the same for each word as a distribution over the regions.
    let places: Tensor
    /// The words with boxes, as many for each image; where an image has fewer, word 0 with weight 0.
    private var heads: (places: [Int], words: [Int], weights: [Float]) = ([], [], [])
    /// `[heads, L]`: whether a word's boxes cover half of the region or more.
    private var isInside: [Bool] = []

    /// - Parameters:
    ///   - captions: of each of M images.
    ///   - cells: L, the number of regions.
    ///   - perImage: captions of each image. One without captions has one of no words.
    ///   - covered: the part of each region that boxes cover in the feature map of image m, `[L]`.
    init(
        _ captions: [[BoxedCaption]], regions cells: Int, perImage: Int, longest: Int, vocabulary: Vocabulary,
        using random: inout SeededGenerator, covered: (_ m: Int, _ boxes: [Rectangle]) -> [Float]
    ) {
        let chosen = captions.flatMap { own -> [BoxedCaption] in
            let own = own.shuffled(using: &random).prefix(perImage)
            return own + [BoxedCaption](repeating: BoxedCaption(words: [], places: [:]), count: perImage - own.count)
        }
        let forced = TeacherForcing(
            captions: chosen.map { Array($0.words.prefix(longest)) },
            weights: [Float](repeating: 1, count: chosen.count), start: vocabulary.start, end: vocabulary.end,
            pad: vocabulary.pad)
        inputs = forced.inputs
        let steps = inputs.first?.count ?? 0
        let (parts, places) = (Tensor([steps, chosen.count, cells]), Tensor([steps, chosen.count, cells]))
        var used = 0
        var heads = [[(place: Int, word: Int, covered: [Float])]](repeating: [], count: captions.count)
        for (n, caption) in chosen.enumerated() {
            // The words before a word are the input of its step. A dictionary's own order differs from run to run, and
            // with it the last bits of a sum.
            for (position, boxes) in caption.places.sorted(by: { $0.key < $1.key })
            where position < min(steps, longest) {
                let covered = covered(n / perImage, boxes)
                let total = covered.reduce(0, +)
                if total < GroundingBatch.leastCover { continue }
                used += 1
                heads[n / perImage].append((position * chosen.count + n, caption.words[position], covered))
                let row = (position * chosen.count + n) * cells
                for (cell, part) in covered.enumerated() {
                    parts.pointer[row + cell] = part
                    places.pointer[row + cell] = part / total
                }
            }
        }
        let part = 1 / Float(max(1, used))
        let most = heads.map(\.count).max() ?? 0
        for own in heads {
            for i in 0..<most {
                let head = i < own.count ? own[i] : (place: 0, word: 0, covered: [Float](repeating: 0, count: cells))
                self.heads.places.append(head.place)
                self.heads.words.append(head.word)
                self.heads.weights.append(i < own.count ? part / Float(cells) : 0)
                isInside += head.covered.map { $0 >= 0.5 }
            }
        }
        self.covered = Variable(parts).scaled(by: part).value
        self.places = Variable(places).scaled(by: part).value
    }

    /// Minus the mean part of the attention that lies on the boxes, -1...0, shape `[]`.
    /// - Parameter attention: of ``inputs``, `[T, N, L]`.
    func loss(attention: Variable) -> Variable { (attention * Variable(covered)).sum().scaled(by: -1) }

    /// The mean cross-entropy of the attention with the boxes, shape `[]`. Where the attention has not found the boxes
    /// yet, it teaches more than ``loss(attention:)`` does.
    /// - Parameter scores: the scores before the softmax, for ``inputs``, `[T, N, L]`.
    func loss(scores: Variable) -> Variable { (scores.logSoftmax() * Variable(places)).sum().scaled(by: -1) }

    /// What is where: the mean logistic loss of each region's score of a word with boxes, which should be positive
    /// inside and negative outside of them, shape `[]`.
    /// - Parameter regionScores: as ``DecoderLooks/regionScores``.
    func loss(regionScores: (_ places: [Int], _ words: [Int]) -> Variable) -> Variable {
        if heads.words.isEmpty { return Variable(Tensor([], [0])) }
        let scores = regionScores(heads.places, heads.words)
        let cells = scores.shape[1]
        let withNone = concatenateLast([
            scores.reshaped([isInside.count, 1]), Variable(Tensor([isInside.count, 1])),
        ])
        return crossEntropy(
            withNone, targets: isInside.map { $0 ? 0 : 1 },
            weights: heads.weights.flatMap { [Float](repeating: $0, count: cells) })
    }
}
