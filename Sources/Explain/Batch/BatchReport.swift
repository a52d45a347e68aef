import Foundation
import Support

/// What is in a folder of results of many photographs.
public struct BatchReport: Encodable, Sendable {
    /// A text and how often it occurs.
    public struct Count: Encodable, Sendable {
        public let text: String
        public let count: Int
    }

    /// A photograph that could not be explained, and why.
    public struct Failure: Encodable, Sendable {
        public let image: String
        public let error: String
    }

    /// A word and what the image says of it, over all captions.
    public struct WordEvidence: Encodable, Sendable {
        public let word: String
        public let count: Int
        /// The mean of its evidence, in nats.
        public let evidence: Double
    }

    /// A photograph and the time that it took.
    public struct Time: Encodable, Sendable {
        public let image: String
        public let milliseconds: Double
    }

    /// "captioning", "question-answering" or "classification".
    public let task: String
    /// Whether all photographs are done.
    public let isComplete: Bool
    public private(set) var photographs = 0
    public private(set) var failed = 0
    /// By kind.
    public private(set) var failures: [Count] = []
    /// The first photographs that failed.
    public private(set) var firstFailures: [Failure] = []
    /// Photographs with a warning.
    public private(set) var warned = 0
    /// Captions, answers or classes: how many are different, the commonest, and the rarest.
    public private(set) var results = 0
    public private(set) var commonest: [Count] = []
    public private(set) var rarest: [Count] = []
    /// Words of captions.
    public private(set) var words = 0
    public private(set) var commonestWords: [Count] = []
    public private(set) var rarestWords: [Count] = []
    /// Of the words that occur at least ``enough`` times, those with the least mean evidence.
    public private(set) var leastEvidence: [WordEvidence] = []
    public private(set) var slowest: [Time] = []
    /// Of each photograph, in the mean.
    public private(set) var meanMilliseconds: Double?

    /// A mean over fewer words says little.
    public static let enough = 5

    private struct Line: Decodable {
        struct Word: Decodable {
            let word: String
            let evidence: Double?
        }
        struct Question: Decodable {
            struct Answer: Decodable { let answer: String }
            let answers: [Answer]
        }
        struct Class: Decodable { let name: String }
        let image: String
        let errorKind: String?
        let error: String?
        let warnings: [String]
        let caption: String?
        let words: [Word]?
        let questions: [Question]?
        let classes: [Class]?
    }

    private struct TimeLine: Decodable { let milliseconds: Double }

    /// Reads a folder.
    /// - Parameter top: how many of each list.
    /// - Throws: ``BatchFolderError`` for a folder that has no results, or damaged ones.
    public init(_ folder: URL, top: Int = 10) throws {
        guard let read = try BatchFolder.read(folder) else {
            throw BatchFolderError(description: "\(folder.path): it is no folder of results of many photographs")
        }
        task = read.description.task
        isComplete = read.checkpoint.isComplete
        var kinds: [String: Int] = [:], results: [String: Int] = [:]
        var words: [String: (count: Int, evidence: Double, measured: Int)] = [:]
        var images: [String] = []
        let file = folder.appendingPathComponent(BatchFolder.results)
        try BatchFolder.forEachLine(of: file) { text in
            guard let line = try? JSONDecoder().decode(Line.self, from: text) else {
                throw BatchFolderError(description: "\(file.path), line \(photographs + 1): it is not what mmx wrote")
            }
            photographs += 1
            images.append(line.image)
            if !line.warnings.isEmpty { warned += 1 }
            if let kind = line.errorKind {
                failed += 1
                kinds[kind, default: 0] += 1
                if firstFailures.count < top {
                    firstFailures.append(Failure(image: line.image, error: line.error ?? kind))
                }
            }
            if let caption = line.caption { results[caption, default: 0] += 1 }
            for question in line.questions ?? [] {
                if let answer = question.answers.first { results[answer.answer, default: 0] += 1 }
            }
            if let name = line.classes?.first?.name { results[name, default: 0] += 1 }
            for word in line.words ?? [] {
                var known = words[word.word] ?? (0, 0, 0)
                known.count += 1
                if let evidence = word.evidence {
                    known.evidence += evidence
                    known.measured += 1
                }
                words[word.word] = known
            }
        }
        func sorted(_ counts: [String: Int], rarest: Bool) -> [Count] {
            counts.sorted { ($0.value != $1.value) ? ($0.value < $1.value) == rarest : $0.key < $1.key }
                .prefix(top).map { Count(text: $0.key, count: $0.value) }
        }
        failures = sorted(kinds, rarest: false)
        self.results = results.count
        (commonest, rarest) = (sorted(results, rarest: false), sorted(results, rarest: true))
        self.words = words.count
        let counts = words.mapValues(\.count)
        (commonestWords, rarestWords) = (sorted(counts, rarest: false), sorted(counts, rarest: true))
        leastEvidence = words.filter { $0.value.measured >= Self.enough }
            .map {
                WordEvidence(
                    word: $0.key, count: $0.value.count, evidence: $0.value.evidence / Double($0.value.measured))
            }
            .sorted { ($0.evidence, $0.word) < ($1.evidence, $1.word) }.prefix(top).map(\.self)
        try readTimes(folder, images, top: top)
    }

    private mutating func readTimes(_ folder: URL, _ images: [String], top: Int) throws {
        var times: [(place: Int, time: Double)] = [], place = 0, total = 0.0
        let file = folder.appendingPathComponent(BatchFolder.times)
        guard FileManager.default.fileExists(atPath: file.path) else { return }
        try BatchFolder.forEachLine(of: file) { text in
            if let line = try? JSONDecoder().decode(TimeLine.self, from: text), place < images.count {
                times.append((place, line.milliseconds))
                total += line.milliseconds
            }
            place += 1
        }
        slowest = times.sorted { $0.time > $1.time }.prefix(top)
            .map { Time(image: images[$0.place], milliseconds: $0.time) }
        if !times.isEmpty { meanMilliseconds = total / Double(times.count) }
    }

    /// Indented, keys sorted.
    public func json() throws -> String { try JSON.pretty(self) }
}
