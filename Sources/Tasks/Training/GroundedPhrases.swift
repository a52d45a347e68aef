import Foundation
import Language
import Tensors
import Vision

/// The phrases of the training captions with their boxes, from which a captioner learns where things are.
struct GroundedPhrases {
    /// One phrase in an image.
    struct Target: Equatable {
        /// The head word, then its adjectives ("small", "red"). Words that the vocabulary does not have are left out.
        var words: [Int]
        /// In pixels of the image file.
        var boxes: [Rectangle]
        /// Whether it is one person or several.
        var isPerson = false
    }

    /// The targets of each image, in the data set's order.
    let targets: [[Target]]
    /// The captions of each image's phrases, for ``AttentionLesson``.
    let captions: [[BoxedCaption]]
    /// Where the boxes lie in the feature maps.
    let coverage: BoxCoverage
    /// The words that head phrases of people.
    let people: Set<Int>

    /// - Parameters:
    ///   - file: a file as ``PhraseFile`` describes.
    /// - Throws: ``DatasetError`` for a file that cannot be read or has no phrase of these images; `ImageError`.
    init(
        _ file: URL, of data: CaptionDataset, vocabulary: Vocabulary, preprocessing: Preprocessing,
        augmentation: Augmentation
    ) throws {
        let phrases = try PhraseFile.read(file, images: Set(data.entries.map(\.image)))
        let byImage = Dictionary(grouping: phrases, by: \.image)
        targets = data.entries.map { entry in
            (byImage[entry.image] ?? []).compactMap { Self.target($0, vocabulary) }
        }
        captions = data.entries.map { BoxedCaption.captions(of: byImage[$0.image] ?? [], vocabulary) }
        people = Set(targets.joined().filter(\.isPerson).map { $0.words[0] })
        guard targets.contains(where: { !$0.isEmpty }) else {
            throw DatasetError(path: file.path, problem: "has no phrase with boxes of the training images")
        }
        coverage = try BoxCoverage(
            data.trainingImages, preprocessing: preprocessing, augmentation: augmentation,
            isNeeded: { byImage[data.entries[$0].image] != nil })
    }

    private static func target(_ phrase: Phrase, _ vocabulary: Vocabulary) -> Target? {
        let tokenizer = CaptionTokenizer()
        guard !phrase.boxes.isEmpty, let head = tokenizer.tokens(phrase.caption[phrase.head]).last else { return nil }
        let others = PhraseWords.core(phrase.words).dropLast().flatMap { tokenizer.tokens($0) }.filter {
            !PhraseWords.determiners.contains($0)
        }
        let words = vocabulary.encode([head] + others)
        guard words[0] != vocabulary.unknown else { return nil }
        return Target(
            words: words.filter { $0 != vocabulary.unknown }, boxes: phrase.boxes,
            isPerson: phrase.types.contains("people"))
    }
}

/// The targets of one step for the visual term: for each of M images R words, and where each of them is.
struct GroundingBatch {
    /// `[M * R]`; an image with fewer words has word 0 with targets of 0.
    var words: [Int]
    /// `[M * R, L]`: for each word a distribution over the regions, uniform over its boxes, divided by the number of
    /// words; zeros for words without a box.
    var places: Tensor
    /// The words of the batch, each once, in ascending order.
    var vocabulary: [Int]
    /// `[M * L]`: for each region a word that is there, as its index in ``vocabulary``; `vocabulary.count` where there
    /// is none.
    var things: [Int]
    /// `[M * L]`, with sum 1.
    var weights: [Float]

    /// The weight of a region outside all boxes, relative to 1 for a region inside a box.
    static let emptyWeight: Float = 0.3
    /// Boxes that cover less than so many cells of the copy are left out.
    static let leastCover: Float = 0.05

    /// - Parameters:
    ///   - targets: of each of M images.
    ///   - regions: L.
    ///   - perImage: R.
    ///   - cells: the part of each region that boxes cover in the feature map of image m, `[L]`.
    init(
        targets: [[GroundedPhrases.Target]], regions: Int, perImage: Int, using random: inout SeededGenerator,
        cells: (_ m: Int, _ boxes: [Rectangle]) -> [Float]
    ) {
        let count = targets.count * perImage
        words = [Int](repeating: 0, count: count)
        places = Tensor([count, regions])
        var thing = [Int](repeating: -1, count: targets.count * regions)
        weights = [Float](repeating: Self.emptyWeight, count: targets.count * regions)
        var used = 0
        for (m, own) in targets.enumerated() {
            var draw = [Float](repeating: 0, count: regions)
            for (r, target) in own.shuffled(using: &random).prefix(perImage).enumerated() {
                let covered = cells(m, target.boxes)
                let total = covered.reduce(0, +)
                // Mostly the head, because the boxes show it; sometimes one of its adjectives.
                let others = target.words.count - 1
                let word = others == 0 || random.uniform() < 0.7 ? 0 : 1 + Int(random.next() % UInt64(others))
                if total < Self.leastCover { continue }
                words[m * perImage + r] = target.words[word]
                used += 1
                let place = places.pointer + (m * perImage + r) * regions
                for l in 0..<regions {
                    place[l] = covered[l] / total
                    if covered[l] == 0 { continue }
                    // A random phrase of those at the region, in proportion to the part that each covers.
                    draw[l] += covered[l]
                    if random.uniform() * draw[l] < covered[l] { thing[m * regions + l] = target.words[word] }
                }
            }
            for l in 0..<regions where draw[l] > 0 { weights[m * regions + l] = min(1, draw[l]) }
        }
        let known = Set(thing.filter { $0 >= 0 }).sorted()
        let place = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
        vocabulary = known
        things = thing.map { place[$0] ?? known.count }
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
        places = scaled(places, by: 1 / Float(max(1, used)))
    }

    /// The sum of two cross-entropies of ``VisualTerm``'s scores of single regions, shape `[]`. The first is over the
    /// regions: where is each word? The second is over the batch's words and "none", whose score is 0: what is in each
    /// region?
    /// - Parameters:
    ///   - regions: `[M, L, W]`; table: the words' vectors `[V, W]`.
    func loss(regions: Variable, table: Variable) -> Variable {
        let (images, count, width) = (regions.shape[0], regions.shape[1], regions.shape[2])
        let asked = embedding(table, words).reshaped([images, words.count / images, width])
        let scores = batchedProduct(asked, regions, transposeB: true).reshaped([words.count, count])
        let whereLoss = (scores.logSoftmax() * Variable(places)).sum().scaled(by: -1)
        if vocabulary.isEmpty { return whereLoss }
        let all = linear(regions.reshaped([images * count, width]), embedding(table, vocabulary))
        let withNone = concatenateLast([all, Variable(Tensor([images * count, 1]))])
        return whereLoss + crossEntropy(withNone, targets: things, weights: weights)
    }
}

private func scaled(_ x: Tensor, by factor: Float) -> Tensor { Variable(x).scaled(by: factor).value }
