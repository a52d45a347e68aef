import Tensors
import XCTest

@testable import Language

/// A decoder that is a table: the next word depends on the image, the last word and how many words were read.
///
/// An image is a feature map of one number, the index of its table. As in a real decoder, the state tells the image of
/// a row (h) and the number of words read (c), so that rows in a wrong order give other captions.
private struct TableDecoder: CaptionDecoder {
    /// Probabilities of the next word after `last`, when `read` words (`<start>` among them) have been read.
    let probabilities: @Sendable (_ picture: Int, _ last: Int, _ read: Int) -> [Float]

    func logits(features: Variable, words: [[Int]], dropout: Dropout?) -> Variable {
        preconditionFailure("a search takes steps")
    }

    func logits(from state: DecoderState, words: [[Int]]) -> Tensor { preconditionFailure("a search takes steps") }

    func begin(features: Tensor, rows: Int) -> DecoderState {
        let pictures = features.array.flatMap { [Float](repeating: $0, count: rows) }
        return DecoderState(h: Tensor([pictures.count, 1], pictures), c: Tensor([pictures.count, 1]))
    }

    func step(_ state: DecoderState, words: [Int]) -> (logits: Tensor, state: DecoderState) {
        let pictures = state.h.array.map { Int($0) }
        let read = state.c.array.map { Int($0) + 1 }
        let rows = words.indices.map { probabilities(pictures[$0], words[$0], read[$0]) }
        // Logits may differ from the logarithms by any constant.
        let logits = Tensor([rows.count, rows[0].count], rows.flatMap { $0.map { log($0) + 1.5 } })
        let next = Tensor([read.count, 1], read.map { Float($0) })
        return (logits, DecoderState(h: state.h, c: next))
    }
}

final class BeamSearchTests: XCTestCase {
    private let pad = 0, start = 1, end = 2, unknown = 3
    private let a = 4, b = 5, c = 6, d = 7

    private func row(_ entries: [Int: Float]) -> [Float] { (0..<8).map { entries[$0] ?? 0 } }

    private func search(
        _ decoder: TableDecoder, pictures: [Int] = [0], beam: Int, alpha: Float, maximumLength: Int = 10,
        endings: SearchOptions.Endings? = nil
    ) -> [[FoundCaption]] {
        beamSearch(
            decoder, features: Tensor([pictures.count, 1, 1, 1], pictures.map { Float($0) }), start: start, end: end,
            forbidden: [pad, start, unknown],
            options: SearchOptions(
                beam: beam, maximumLength: maximumLength, lengthNormalisation: alpha, endings: endings))
    }

    private func check(
        _ found: [FoundCaption], _ expected: [(words: [Int], probability: Float, length: Float)], alpha: Float,
        line: UInt = #line
    ) {
        XCTAssertEqual(found.map(\.words), expected.map(\.words), line: line)
        for (caption, (_, probability, length)) in zip(found, expected) {
            XCTAssertEqual(caption.logProbability, log(probability), accuracy: 1e-5, line: line)
            XCTAssertEqual(caption.score, log(probability) / pow(length, alpha), accuracy: 1e-5, line: line)
        }
    }

    /// a c: 0.6 * 0.4 * 0.9 = 0.216, a d: 0.6 * 0.35 * 0.9 = 0.189, b: 0.4 * 0.9 = 0.36.
    private var garden: TableDecoder {
        let table = [
            start: row([a: 0.6, b: 0.4]), a: row([c: 0.4, d: 0.35, end: 0.25]), b: row([end: 0.9, c: 0.1]),
            c: row([end: 0.9, d: 0.1]), d: row([end: 0.9, c: 0.1]),
        ]
        return TableDecoder { _, last, _ in table[last] ?? [] }
    }

    func testBeamSearch_ofTwoBeams_findsWhatGreedySearchMisses() {
        check(search(garden, beam: 1, alpha: 0)[0], [([a, c], 0.216, 2)], alpha: 0)
        check(search(garden, beam: 2, alpha: 0)[0], [([b], 0.36, 1), ([a, c], 0.216, 2)], alpha: 0)
    }

    /// By hand with alpha 1: ln 0.216 / 2 = -0.766, ln 0.189 / 2 = -0.833, ln 0.36 / 1 = -1.022.
    func testLengthNormalisation_withAlpha1_ranksAsByHand() {
        let found = search(garden, beam: 2, alpha: 1)[0]
        check(found, [([a, c], 0.216, 2), ([a, d], 0.189, 2)], alpha: 1)
        XCTAssertEqual(found[0].score, -0.76624, accuracy: 1e-4)
        XCTAssertEqual(found[1].score, -0.83300, accuracy: 1e-4)
        // Halfway, the short one is ahead again: ln 0.216 / sqrt 2 = -1.084 < -1.022.
        XCTAssertEqual(search(garden, beam: 2, alpha: 0.5)[0].map(\.words), [[b], [a, c]])
    }

    /// a alone: 0.55; a b: 0.45, which is better for its length: ln 0.55 = -0.598, ln 0.45 / 2 = -0.399.
    func testBeamSearch_withAnEarlyEnding_goesOnToABetterCaption() {
        let table = [start: row([a: 1]), a: row([end: 0.55, b: 0.45]), b: row([end: 1])]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        check(search(decoder, beam: 1, alpha: 0)[0], [([a], 0.55, 1)], alpha: 0)
        check(search(decoder, beam: 1, alpha: 1)[0], [([a, b], 0.45, 2)], alpha: 1)
    }

    /// A sentence that does not end is cut, and the probability of its end is not counted.
    func testMaximumLength_ofAnEndlessSentence_cutsIt() {
        let table = [start: row([a: 0.8, b: 0.2]), a: row([a: 0.75, end: 0.25]), b: row([b: 1])]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        for length in 1...4 {
            let found = search(decoder, beam: 1, alpha: 1, maximumLength: length)[0]
            let words = [Int](repeating: a, count: length)
            check(found, [(words, 0.8 * pow(0.75, Float(length - 1)), Float(length))], alpha: 1)
        }
        XCTAssertEqual(search(decoder, beam: 1, alpha: 1, maximumLength: 0)[0].map(\.words), [[a]])
    }

    /// Forbidden words are not written, and the other words' probabilities stay the same.
    func testForbiddenWords_inTheDistribution_areNotWrittenAndKeepTheirProbability() {
        let table = [
            start: row([unknown: 0.5, pad: 0.1, start: 0.1, a: 0.2, b: 0.1]), a: row([unknown: 0.4, end: 0.6]),
            b: row([end: 1]),
        ]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        check(search(decoder, beam: 2, alpha: 0)[0], [([a], 0.12, 1), ([b], 0.1, 1)], alpha: 0)
    }

    /// What other programs make of the place of a caption that ends.
    func testEndings_ofOtherPrograms_areAsByHand() {
        let table = [
            start: row([a: 0.4, end: 0.35, b: 0.25]), a: row([end: 0.4, c: 0.3, d: 0.3]), b: row([end: 1]),
            // What is written behind an ending: 0.175 twice, more than the best after a.
            end: row([a: 0.5, b: 0.5]),
        ]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        func found(_ endings: SearchOptions.Endings) -> [FoundCaption] {
            search(decoder, beam: 2, alpha: 0, maximumLength: 2, endings: endings)[0]
        }
        check(found(.refilled), [([], 0.35, 1), ([b], 0.25, 1)], alpha: 0)
        check(found(.skipped), [([], 0.35, 1), ([a], 0.16, 1)], alpha: 0)
        check(found(.kept), [([], 0.35, 1)], alpha: 0)
        // b is the third word.
        check(found(.apart), [([], 0.35, 1), ([a], 0.16, 1)], alpha: 0)
        check(found(.apartOfOneMore), [([], 0.35, 1), ([b], 0.25, 1)], alpha: 0)
    }

    /// Of a beam of two, one caption ends at once. Then one place is left where the beam shrinks, and a caption that does
    /// not end counts for nothing beside one that does; elsewhere both places are filled again.
    func testEndings_ofAShrinkingBeam_areAsByHand() {
        let table = [
            start: row([a: 0.5, end: 0.4, b: 0.1]), a: row([c: 0.5, d: 0.45, end: 0.05]),
            c: row([a: 0.5, b: 0.4, end: 0.1]), d: row([end: 1]),
        ]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        func found(_ endings: SearchOptions.Endings) -> [FoundCaption] {
            search(decoder, beam: 2, alpha: 1, maximumLength: 3, endings: endings)[0]
        }
        check(found(.shrinking), [([], 0.4, 1)], alpha: 1)
        check(found(.skipped), [([a, c, a], 0.125, 3), ([a, d], 0.225, 2)], alpha: 1)
    }

    /// An ending that is not among the beam's best counts for DeepRNN alone, and then captions without one do not.
    func testEndings_whereAnEndingIsUnlikely_areAsByHand() {
        let table = [start: row([a: 0.5, b: 0.3, end: 0.2])]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        for endings in [SearchOptions.Endings.refilled, .skipped, .kept, .apart] {
            check(
                search(decoder, beam: 2, alpha: 0, maximumLength: 1, endings: endings)[0],
                [([a], 0.5, 1), ([b], 0.3, 1)], alpha: 0)
        }
        check(
            search(decoder, beam: 2, alpha: 0, maximumLength: 1, endings: .apartOfOneMore)[0], [([], 0.2, 1)], alpha: 0)
    }

    func testEmptyCaption_whenItIsBest_isFound() {
        let table = [start: row([end: 0.7, a: 0.3]), a: row([end: 1])]
        let decoder = TableDecoder { _, last, _ in table[last] ?? [] }
        check(search(decoder, beam: 2, alpha: 0)[0], [([], 0.7, 1), ([a], 0.3, 1)], alpha: 0)
    }

    /// Probabilities drawn from (seed, image, last word, words read); only `<end>` and a...d can be written.
    private func drawn(seed: UInt64) -> TableDecoder {
        TableDecoder { picture, last, read in
            var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(picture * 10_007 + last * 101 + read))
            let values = (0..<8).map { word -> Float in
                let value = exp(1.5 * random.normal())
                return word == 2 || word >= 4 ? value : 0
            }
            return values.map { $0 / values.reduce(0, +) }
        }
    }

    func testBeamSearch_ofSeveralImages_equalsOneAtATime() {
        let pictures = [3, 0, 4, 1, 3]
        for (beam, alpha) in [(1, Float(0.7)), (3, 0), (3, 0.7), (5, 1)] {
            for seed in 0..<10 {
                let decoder = drawn(seed: UInt64(seed))
                let together = search(decoder, pictures: pictures, beam: beam, alpha: alpha, maximumLength: 6)
                for (picture, found) in zip(pictures, together) {
                    let alone = search(decoder, pictures: [picture], beam: beam, alpha: alpha, maximumLength: 6)[0]
                    XCTAssertEqual(found, alone, "beam \(beam), alpha \(alpha), seed \(seed), picture \(picture)")
                    XCTAssertLessThanOrEqual(found.count, beam)
                    XCTAssertEqual(found.map(\.score), found.map(\.score).sorted(by: >))
                }
            }
        }
    }

    /// With a beam that holds every sentence, the search is exhaustive.
    func testBeamSearch_withAWideBeam_findsTheBestOfAll() {
        for seed in 0..<20 {
            let decoder = drawn(seed: UInt64(seed))
            let alpha: Float = 0.7
            var all: [(words: [Int], score: Float)] = []
            func extend(_ words: [Int], _ logProbability: Float) {
                if words.count == 3 {
                    all.append((words, logProbability / pow(3, alpha)))
                    return
                }
                let next = decoder.probabilities(0, words.last ?? start, words.count + 1)
                all.append((words, (logProbability + log(next[end])) / pow(Float(max(1, words.count)), alpha)))
                for word in a...d { extend(words + [word], logProbability + log(next[word])) }
            }
            extend([], 0)
            all.sort { $0.score > $1.score }
            let found = search(decoder, beam: 100, alpha: alpha, maximumLength: 3)[0]
            XCTAssertEqual(found.count, all.count)
            XCTAssertEqual(found.map(\.words), all.map(\.words), "seed \(seed)")
            for (x, y) in zip(found, all) { XCTAssertEqual(x.score, y.score, accuracy: 1e-4) }
        }
    }

    /// All words are equally likely: the lowest index wins, and the result is the same every time, for one image or
    /// several.
    func testBeamSearch_withTies_takesTheEarlierWord() {
        let fifths = row([end: 0.2, a: 0.2, b: 0.2, c: 0.2, d: 0.2])
        let quarters = row([a: 0.25, b: 0.25, c: 0.25, d: 0.25])
        let even = TableDecoder { _, _, _ in fifths }
        let first = search(even, pictures: [0, 1, 2], beam: 3, alpha: 0, maximumLength: 3)
        XCTAssertEqual(first[0].map(\.words), [[], [a], [a, a]])
        for found in first { XCTAssertEqual(found, first[0]) }
        for _ in 0..<20 {
            XCTAssertEqual(search(even, pictures: [0, 1, 2], beam: 3, alpha: 0, maximumLength: 3), first)
        }
        let words = TableDecoder { _, _, _ in quarters }
        XCTAssertEqual(search(words, beam: 3, alpha: 0, maximumLength: 2)[0].map(\.words), [[a, a], [a, b], [a, c]])
    }

    /// A decoder whose scores are NaN gives captions without words, not a crash.
    func testBeamSearch_ofNaN_givesNoWords() {
        let broken = TableDecoder { _, _, _ in [Float](repeating: .nan, count: 8) }
        let found = search(broken, pictures: [0, 1], beam: 2, alpha: 0.7)
        XCTAssertEqual(found.count, 2)
        XCTAssertTrue(found.allSatisfy { $0.allSatisfy { $0.words.isEmpty } })
    }

    func testLargest_withTies_keepsTheOrderOfPositions() {
        let values: [Float] = [1, 5, 3, 5, -.infinity, 4, 9]
        values.withUnsafeBufferPointer {
            XCTAssertEqual(largest(3, of: $0, except: [6]).map(\.0), [1, 3, 5])
            XCTAssertEqual(largest(100, of: $0, except: []).map(\.0), [6, 1, 3, 5, 2, 0])
        }
    }
}
