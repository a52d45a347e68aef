import Foundation
import Tensors

/// The options of beam search.
public struct SearchOptions: Codable, Equatable, Sendable {
    /// The number of captions kept at each step; 1 is greedy search.
    public var beam: Int
    public var maximumLength: Int
    /// Alpha: finished captions are ranked by log p / length^alpha (Wu et al. 2016 without the constant). 0 ranks by
    /// log p alone.
    public var lengthNormalisation: Float
    /// What becomes of the place in the beam of a caption that ends; nil for ``Endings/refilled``.
    public var endings: Endings?
    /// Whether the search may write special words such as `<unknown>`; nil for no.
    public var writesSpecialWords: Bool?

    /// What becomes of the place in the beam of a caption that ends.
    public enum Endings: String, Codable, Sendable {
        /// The next best unfinished caption takes it at once.
        case refilled
        /// It stays empty for this step; the next step fills the beam again (ruotianluo).
        case skipped
        /// It is never free: what the decoder writes behind an ending goes on in it, and counts for nothing
        /// (neuraltalk2).
        case kept
        /// The beam is smaller from then on (sgrvinod's tutorial). Captions that do not end count only where none does.
        case shrinking
        /// It takes no place: each caption of the beam offers as many words as the beam has captions, endings among
        /// them are all kept, and the best of the others go on. Captions that do not end count only where none does
        /// (im2txt).
        case apart
        /// The same with one more word of each caption (DeepRNN).
        case apartOfOneMore = "apart-of-one-more"

        var isApart: Bool { self == .apart || self == .apartOfOneMore }
    }

    public init(
        beam: Int = 3, maximumLength: Int = 24, lengthNormalisation: Float = 0.7, endings: Endings? = nil,
        writesSpecialWords: Bool? = nil
    ) {
        self.beam = beam
        self.maximumLength = maximumLength
        self.lengthNormalisation = lengthNormalisation
        self.endings = endings
        self.writesSpecialWords = writesSpecialWords
    }
}

/// A caption found by beam search: word indices without `<start>` and `<end>`, and the log-probability of the whole
/// caption, `<end>` included.
public struct FoundCaption: Equatable, Sendable {
    public var words: [Int]
    public var logProbability: Float
    public var score: Float
}

/// Beam search for one or many images, all beams in one batch.
/// - Parameters:
///   - features: `[M, u, v, K]`.
///   - forbidden: word indices that are never chosen (`<pad>`, `<start>`, `<unknown>`).
/// - Returns: for each image, at most `beam` captions, best first.
public func beamSearch(
    _ decoder: any CaptionDecoder, features: Tensor, start: Int, end: Int, forbidden: [Int], options: SearchOptions
) -> [[FoundCaption]] {
    struct Hypothesis {
        var words: [Int] = []
        var logProbability: Float = 0
        var hasEnded = false
    }
    let images = features.shape[0]
    let beam = max(1, options.beam)
    let endings = options.endings ?? .refilled
    // The captions that each image's step may choose, ended ones included where they take a place.
    var places = [Int](repeating: beam, count: images)
    var finished = [[FoundCaption]](repeating: [], count: images)
    // Every image has `beam` rows of the batch throughout; a row that is no longer used is nil.
    var alive = [[Hypothesis?]](
        repeating: [Hypothesis()] + [Hypothesis?](repeating: nil, count: beam - 1), count: images)
    var state = decoder.begin(features: features, rows: beam)
    var last = [Int](repeating: start, count: images * beam)

    func ranked(_ h: Hypothesis) -> FoundCaption {
        let length = Float(max(1, h.words.count))
        return FoundCaption(
            words: h.words, logProbability: h.logProbability,
            score: h.logProbability / pow(length, options.lengthNormalisation))
    }

    let longest = max(1, options.maximumLength)
    // With one word more than the beam, a caption's ending does not leave too few.
    let offered = endings == .apart ? beam : beam + 1
    for length in 0..<longest {
        let (logits, next) = decoder.step(state, words: last)
        let vocabulary = logits.shape[1]
        let logs = Variable(logits).logSoftmax().value
        var from = [Int](repeating: 0, count: images * beam)
        var anyAlive = false
        for image in 0..<images {
            var candidates: [(logProbability: Float, row: Int, word: Int)] = []
            for (row, hypothesis) in alive[image].enumerated() {
                guard let hypothesis else { continue }
                let values = UnsafeBufferPointer(
                    start: logs.pointer + (image * beam + row) * vocabulary, count: vocabulary)
                for (word, value) in largest(offered, of: values, except: forbidden) {
                    candidates.append((hypothesis.logProbability + value, row, word))
                }
            }
            candidates.sort { ($0.logProbability, $1.row, $1.word) > ($1.logProbability, $0.row, $0.word) }
            var following: [Hypothesis?] = []
            var ended = 0
            for candidate in candidates {
                let isKeptApart = endings.isApart && candidate.word == end
                let taken = following.count + (endings == .skipped || endings == .shrinking ? ended : 0)
                guard isKeptApart || taken < places[image] else { continue }
                var hypothesis = alive[image][candidate.row]!
                hypothesis.logProbability = candidate.logProbability
                if candidate.word == end, !hypothesis.hasEnded {
                    // As usual in beam search, an ending counts only when it is among the beam's best.
                    finished[image].append(ranked(hypothesis))
                    ended += 1
                    if endings != .kept { continue }
                    hypothesis.hasEnded = true
                }
                hypothesis.words.append(candidate.word)
                from[image * beam + following.count] = image * beam + candidate.row
                last[image * beam + following.count] = candidate.word
                following.append(hypothesis)
            }
            let isLast = length + 1 == longest
            if endings == .shrinking { places[image] -= ended }
            let open = following.compactMap { $0 }.filter { !$0.hasEnded }.map(ranked)
            if isLast, endings != .shrinking && !endings.isApart || finished[image].isEmpty { finished[image] += open }
            finished[image].sort { $0.score > $1.score }
            // The search goes on while an unfinished caption scores higher than the best finished one.
            let hope = open.map(\.score).max() ?? -.infinity
            // Without length normalisation, scores only fall, so that one finished caption is enough; with it, the
            // searches of others go on until nothing is left.
            let enough =
                switch endings {
                case .refilled: finished[image].count >= beam && finished[image][0].score >= hope
                case .apart, .apartOfOneMore:
                    // Endings come later than better ones, too, so that as many as are given back must be beyond hope.
                    hope == -.infinity
                        || options.lengthNormalisation == 0 && finished[image].count >= beam
                            && finished[image][beam - 1].score >= hope
                case .skipped, .shrinking, .kept:
                    hope == -.infinity
                        || options.lengthNormalisation == 0 && finished[image].first.map { $0.score >= hope } ?? false
                }
            for row in following.count..<max(beam, following.count) { from[image * beam + row] = image * beam }
            alive[image] =
                enough || isLast
                ? [Hypothesis?](repeating: nil, count: beam)
                : following + [Hypothesis?](repeating: nil, count: beam - following.count)
            if alive[image].contains(where: { $0 != nil }) { anyAlive = true }
        }
        if !anyAlive { break }
        state = next.selecting(from)
    }
    return finished.map { Array($0.prefix(beam)) }
}

/// The `count` largest values with their positions, largest first; equal ones in order of position.
func largest(_ count: Int, of values: UnsafeBufferPointer<Float>, except forbidden: [Int]) -> [(Int, Float)] {
    var best: [(Int, Float)] = []
    var threshold = -Float.infinity
    for (i, value) in values.enumerated() where value > threshold && !forbidden.contains(i) {
        let position = best.firstIndex { $0.1 < value } ?? best.count
        best.insert((i, value), at: position)
        if best.count > count { best.removeLast() }
        if best.count == count { threshold = best[count - 1].1 }
    }
    return best
}
