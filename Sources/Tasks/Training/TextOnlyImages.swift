import Foundation
import Language
import Tensors
import Vision

/// Captions without images, with a feature map made up for each: pseudo-features.
///
/// A decoder learns from them the language of captions that no image here has, and words that no image here shows
/// (novel objects: Hendricks et al. 2016, arXiv 1511.05284; Venugopalan et al. 2017, arXiv 1606.07770). The feature map
/// is that of the training image whose captions have the most in common with the text. What it shows and the text does
/// not name is taken out: the cells in its boxes become some of the others. The things that the text names and that the
/// encoder's classifier knows are put in: in a random box of cells, a multiple of the class's direction
/// (``ClassPrototypes``) is added.
struct TextOnlyImages {
    /// A thing that a text names.
    struct Thing: Equatable {
        /// The forms of its word that the text's captions have, the most frequent first.
        var words: [Int]
        var classes: [Int]
        /// The number of captions that name it.
        var captions: Int
    }

    /// One made-up feature map, before its numbers are computed.
    struct Plan: Equatable {
        /// A training image and one of its copies.
        var base: Int
        var copy: Int
        /// The factor of the base's features, less the further it is from the text.
        var keep: Float
        var things: [Placed]

        struct Placed: Equatable {
            var thing: Thing
            var category: Int
            /// As parts of the feature map's height and width.
            var box: Rectangle
            /// How much is added to the class's score.
            var score: Float
        }
    }

    /// Of each text, as word indices without unknown words.
    let captions: [[[Int]]]
    let things: [[Thing]]
    /// For each text the training images that are most like it, with their cosines.
    private let bases: [[(image: Int, likeness: Float)]]
    /// Of each training image, what its captions name.
    private let trainingThings: [(things: [Thing], captions: Int)]
    /// The number of training images.
    var trainingCount: Int { trainingThings.count }
    private let prototypes: ClassPrototypes

    /// A cell of which so much shows what the text does not name is taken out.
    private static let leastUnnamed: Float = 0.25
    /// The factor of a cell's features where there is no other cell to take.
    private static let faint: Float = 0.3
    /// Texts may have so many things in one feature map.
    private static let mostThings = 5
    private static let basesKept = 8
    /// A cell that shows a thing scores so much more for its class. Of 214 photographs of ImageNet's classes, the mean
    /// of the 20 cells with the highest scores is between 24 and 40 in four of five.
    private static let scores: ClosedRange<Float> = 14...40
    /// The part of a class's channels that one thing lacks.
    private static let missingChannels: Float = 0.4

    /// - Parameters:
    ///   - texts: captions of images that are not there, each text's captions in one array.
    ///   - training: the captions of the training images.
    /// Captions with words that `vocabulary` lacks are left out, and so are texts that then name nothing that a class
    /// shows.
    init(
        _ texts: [[[String]]], vocabulary: Vocabulary, classes: ClassWords, prototypes: ClassPrototypes,
        training: [[[Int]]]
    ) {
        var row: [Int: Int] = [:]
        for (index, entry) in classes.rows.enumerated() {
            for word in vocabulary.encode(entry.words) where word != vocabulary.unknown { row[word] = index }
        }
        var captions: [[[Int]]] = []
        var things: [[Thing]] = []
        for text in texts {
            let known = text.map { vocabulary.encode($0) }.filter { !$0.isEmpty && !$0.contains(vocabulary.unknown) }
            let named = Self.things(of: known, row: row, classes.rows)
            if named.isEmpty { continue }
            captions.append(known)
            things.append(named)
        }
        self.captions = captions
        self.things = things
        self.prototypes = prototypes
        trainingThings = training.map { (Self.things(of: $0, row: row, classes.rows), $0.count) }
        bases = Self.nearest(captions, in: training, words: vocabulary.count, special: Vocabulary.special.count)
    }

    private static func things(of captions: [[Int]], row: [Int: Int], _ rows: [ClassWords.Row]) -> [Thing] {
        var forms: [Int: [Int: Int]] = [:]
        var named: [Int: Int] = [:]
        for caption in captions {
            let found = Set(caption).compactMap { word in row[word].map { (word, $0) } }
            for (word, index) in found { forms[index, default: [:]][word, default: 0] += 1 }
            for index in Set(found.map(\.1)) { named[index, default: 0] += 1 }
        }
        return named.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { index, count in
            Thing(
                words: (forms[index] ?? [:]).sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key),
                classes: rows[index].classes, captions: count)
        }
    }

    /// For each text the training images whose captions are most like its own: the cosine of the counts of their words,
    /// each times the logarithm of the number of images over the number of those that have the word.
    private static func nearest(
        _ texts: [[[Int]]], in training: [[[Int]]], words count: Int, special: Int
    ) -> [[(image: Int, likeness: Float)]] {
        var images = [Int](repeating: 0, count: count)
        for captions in training { for word in Set(captions.joined()) { images[word] += 1 } }
        let weights = images.enumerated().map { word, n in
            n == 0 || word < special ? 0 : log(Float(training.count) / Float(n))
        }
        func vector(_ captions: [[Int]]) -> [(word: Int, value: Float)] {
            var values: [Int: Float] = [:]
            for caption in captions { for word in caption { values[word, default: 0] += weights[word] } }
            let norm = values.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value / norm) }
        }
        var postings = [[(image: Int, value: Float)]](repeating: [], count: count)
        for (image, captions) in training.enumerated() {
            for (word, value) in vector(captions) { postings[word].append((image, value)) }
        }
        var result = [[(image: Int, likeness: Float)]](repeating: [], count: texts.count)
        result.withUnsafeMutableBufferPointer { result in
            nonisolated(unsafe) let result = result
            Parallel.ranges(texts.count, grain: 16) { range in
                var likeness = [Float](repeating: 0, count: training.count)
                for text in range {
                    for i in likeness.indices { likeness[i] = 0 }
                    for (word, value) in vector(texts[text]) {
                        for (image, other) in postings[word] { likeness[image] += value * other }
                    }
                    var best: [(image: Int, likeness: Float)] = []
                    for (image, value) in likeness.enumerated() {
                        if best.count == basesKept, value <= best[basesKept - 1].likeness { continue }
                        best.insert((image, value), at: best.firstIndex { $0.likeness < value } ?? best.count)
                        if best.count > basesKept { best.removeLast() }
                    }
                    result[text] = best
                }
            }
        }
        return result
    }

    /// A plan of a feature map for a text; the same seed gives the same plan.
    /// - Parameter copies: the number of copies of each training image.
    func plan(_ text: Int, copies: Int, seed: Int) -> Plan {
        var random = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed))
        func pick(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        let base = bases[text][pick(bases[text].count)]
        return Plan(
            base: base.image, copy: pick(copies), keep: 0.5 + 0.5 * min(1, base.likeness / 0.4),
            things: Self.place(things[text], captions: captions[text].count, using: &random))
    }

    /// A plan of a training image's own feature map, drawn like a text's: if real images never looked like made-up
    /// ones, the decoder could tell them apart, and would say of real images only what their captions say.
    func plan(ofTraining image: Int, copy: Int, seed: Int) -> Plan {
        var random = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed))
        let (things, captions) = trainingThings[image]
        return Plan(
            base: image, copy: copy, keep: 0.5 + 0.5 * random.uniform(),
            things: Self.place(things, captions: captions, using: &random))
    }

    private static func place(
        _ things: [Thing], captions: Int, using random: inout SeededGenerator
    ) -> [Plan.Placed] {
        func uniform(_ range: ClosedRange<Float>) -> Float {
            range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
        }
        var placed: [Plan.Placed] = []
        for thing in things where placed.count < mostThings {
            // What one caption of several names may be small, or not there.
            if thing.captions == 1, captions > 1, random.uniform() < 0.5 { continue }
            let width = Double(uniform(0.25...0.9)), height = Double(uniform(0.25...0.9))
            let x = Double(random.uniform()) * (1 - width), y = Double(random.uniform()) * (1 - height)
            placed.append(
                Plan.Placed(
                    thing: thing, category: thing.classes[Int(random.next() % UInt64(thing.classes.count))],
                    box: Rectangle(x0: x, y0: y, x1: x + width, y1: y + height), score: uniform(scores)))
        }
        return placed
    }

    /// What the base of a plan shows and the text does not name. Where the text names a person, no person is taken out.
    func unnamed(_ targets: [GroundedPhrases.Target], in text: Int, people: Set<Int>) -> [GroundedPhrases.Target] {
        let words = Set(captions[text].joined())
        let hasPerson = !words.isDisjoint(with: people)
        return targets.filter { $0.isPerson ? !hasPerson : !words.contains($0.words[0]) }
    }

    /// Turns the base's feature map into that of the plan.
    /// - Parameters:
    ///   - map: `[u, v, K]`, the base's.
    ///   - unnamed: the part of each cell that shows what the text does not name, `[u * v]`.
    ///   - seed: of the random numbers that make two things of one class differ.
    func draw(
        _ plan: Plan, into map: UnsafeMutablePointer<Float>, rows: Int, columns: Int, unnamed: [Float], seed: Int
    ) {
        let width = prototypes.directions.shape[1]
        var random = SeededGenerator(seed: UInt64(truncatingIfNeeded: seed) ^ 0x5EED)
        var largest: Float = 0
        for i in 0..<rows * columns * width { largest = max(largest, map[i]) }
        let rest = unnamed.indices.filter { unnamed[$0] < Self.leastUnnamed }
        for cell in 0..<rows * columns {
            let draw = Int(random.next() % UInt64(max(1, rest.count)))
            if unnamed[cell] >= Self.leastUnnamed {
                if rest.isEmpty {
                    for k in 0..<width { map[cell * width + k] *= Self.faint }
                } else {
                    (map + cell * width).update(from: map + rest[draw] * width, count: width)
                }
            }
        }
        for i in 0..<rows * columns * width { map[i] *= plan.keep }
        for placed in plan.things {
            let direction = prototypes.directions.pointer + placed.category * width
            let channels = (0..<width).map { _ in
                random.uniform() < Self.missingChannels ? 0 : placed.score / (1 - Self.missingChannels)
            }
            let cells = Self.cells(of: placed.box, rows: rows, columns: columns)
            for (cell, part) in cells.enumerated() {
                // Also for cells outside, so that what one cell draws does not depend on the others.
                let strength = 0.6 + 0.8 * random.uniform()
                if part == 0 { continue }
                let values = map + cell * width
                for k in 0..<width {
                    // No larger than the base's largest: networks with ReLU6 have a limit.
                    values[k] = min(largest, values[k] + part * strength * channels[k] * direction[k])
                }
            }
        }
        withExtendedLifetime(prototypes.directions) {}
    }

    /// The part of each cell that lies in a box of a plan, `[rows * columns]`.
    static func cells(of box: Rectangle, rows: Int, columns: Int) -> [Float] {
        (0..<rows * columns).map { cell in
            let (row, column) = (Double(cell / columns), Double(cell % columns))
            let (u, v) = (Double(rows), Double(columns))
            let down = min(box.y1 * u, row + 1) - max(box.y0 * u, row)
            let across = min(box.x1 * v, column + 1) - max(box.x0 * v, column)
            return Float(max(0, down) * max(0, across))
        }
    }
}

extension TextOnlyImages.Plan {
    /// The things in the feature map, each under the forms that the text has of its word.
    var targets: [GroundedPhrases.Target] {
        things.map { GroundedPhrases.Target(words: [$0.thing.words[0]], boxes: [$0.box]) }
    }

    /// The captions that name a thing in the feature map, with its box at its word's first place.
    func captions(_ tokens: [[Int]]) -> [BoxedCaption] {
        tokens.compactMap { words in
            var places: [Int: [Rectangle]] = [:]
            for placed in things {
                guard let place = words.firstIndex(where: { placed.thing.words.contains($0) }) else { continue }
                places[place] = [placed.box]
            }
            return places.isEmpty ? nil : BoxedCaption(words: words, places: places)
        }
    }
}

/// What captions without images are made of.
struct TextOnlyData {
    let file: URL
    /// By text.
    let texts: [[String]]
    let words: ClassWords
    let prototypes: ClassPrototypes

    /// - Parameters:
    ///   - captions: a file as ``CaptionsFile`` describes; captions with the same image's name are one text.
    ///   - words: a file as ``ClassWords`` describes.
    ///   - classifier: the encoder's checkpoint with its classifier.
    /// - Throws: ``DatasetError``, ``ModelError`` and the readers' own errors.
    init(captions: URL, words: URL, classifier: URL, model: ModelInTraining) throws {
        file = captions
        prototypes = try ClassPrototypes(classifier, of: model.encoder, channels: model.channels)
        self.words = try ClassWords(words, classes: prototypes.count)
        var order: [String: Int] = [:]
        var texts: [[String]] = []
        for row in try CaptionsFile.read(captions) {
            let index = order[row.image] ?? texts.count
            if index == texts.count {
                order[row.image] = index
                texts.append([])
            }
            texts[index].append(row.caption)
        }
        guard !texts.isEmpty else { throw DatasetError(path: captions.path, problem: "has no captions") }
        self.texts = texts
    }
}
