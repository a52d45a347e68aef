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
    let places: Tensor

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
        let places = Tensor([steps, chosen.count, cells])
        var used = 0
        for (n, caption) in chosen.enumerated() {
            // The words before a word are the input of its step.
            for (position, boxes) in caption.places where position < min(steps, longest) {
                let covered = covered(n / perImage, boxes)
                if covered.reduce(0, +) < GroundingBatch.leastCover { continue }
                used += 1
                for (cell, part) in covered.enumerated() {
                    places.pointer[(position * chosen.count + n) * cells + cell] = part
                }
            }
        }
        self.places = Variable(places).scaled(by: 1 / Float(max(1, used))).value
    }

    /// Minus the mean part of the attention that lies on the boxes, -1...0, shape `[]`.
    /// - Parameter attention: of ``inputs``, `[T, N, L]`.
    func loss(_ attention: Variable) -> Variable { (attention * Variable(places)).sum().scaled(by: -1) }
}
