import Foundation
import Synchronization

/// Where the time of a command goes: the own time of each of its steps, without the steps inside it.
///
/// Off until ``start()``; a step then costs a look at one flag. Work that is put off until a result is needed (weights
/// are unpacked at their first use) counts in the step that needs it.
public enum Timings {
    /// A step of a command, in the order in which they are printed.
    public enum Step: String, CaseIterable, Sendable {
        /// Before the program's first line: CPU time of the process.
        case processStart
        /// Parsing the command line.
        case commandLine
        /// Finding the model, mapping its file, its configuration and its vocabulary.
        case model
        /// SHA-256 of the photograph, and waiting for that of the weights, which another thread computes.
        case hashing
        /// Reading and decoding the photograph.
        case decoding
        /// From the photograph to the model's input.
        case resizing
        case encoder
        /// The search for a caption.
        case beams
        /// The head over the caption or the question, and the evidence of its words or answers.
        case reading
        /// The gradients and the maps.
        case backward
        /// The pictures' pixels.
        case drawing
        /// The pictures' compression.
        case png
        /// Folders, and writing files.
        case files
        /// What is in none of the steps.
        case other
    }

    /// Whole microseconds, so that the steps' sum is the total.
    public struct Report: Encodable, Sendable {
        /// Of the thread that called ``Timings/start()``: every step that it took, and what was in none.
        public let steps: [(step: Step, microseconds: Int)]
        /// Of the other threads, beside the former; what they do at the same time is added up.
        public let otherThreads: [(step: Step, microseconds: Int)]
        /// From the process's start on.
        public var total: Int { steps.reduce(0) { $0 + $1.microseconds } }

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        /// Milliseconds by the steps' names, with `total` and, where there are any, those of `otherThreads`.
        public func encode(to encoder: any Encoder) throws {
            func add(_ steps: [(step: Step, microseconds: Int)], to values: inout KeyedEncodingContainer<Key>) throws {
                for (step, time) in steps {
                    try values.encode(Double(time) / 1_000, forKey: Key(stringValue: step.rawValue))
                }
            }
            var values = encoder.container(keyedBy: Key.self)
            try add(steps, to: &values)
            try values.encode(Double(total) / 1_000, forKey: Key(stringValue: "total"))
            if otherThreads.isEmpty { return }
            var others = values.nestedContainer(keyedBy: Key.self, forKey: Key(stringValue: "otherThreads"))
            try add(otherThreads, to: &others)
        }
    }

    /// Nanoseconds throughout.
    private struct Record {
        /// When the program's first line ran.
        var begin: UInt64?
        var thread = pthread_self()
        var own: [Step: UInt64] = [:]
        var others: [Step: UInt64] = [:]
        /// For each thread, the time inside the steps that it has begun, outermost first.
        var inside: [pthread_t: [UInt64]] = [:]

        /// Ends the step that the thread began last.
        mutating func end(_ step: Step, of thread: pthread_t, after time: UInt64) {
            var open = inside[thread] ?? []
            let nested = open.popLast() ?? 0
            if let last = open.indices.last { open[last] += time }
            inside[thread] = open.isEmpty ? nil : open
            // The clock may tick between two readings.
            let own = time - min(time, nested)
            if thread == self.thread { self.own[step, default: 0] += own } else { others[step, default: 0] += own }
        }
    }

    private static let isOn = Atomic<Bool>(false)
    private static let record = Mutex(Record())

    /// To be called by the program's first line, whether or not times are wanted.
    public static func begin() {
        let start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), now = nanoseconds(CLOCK_MONOTONIC)
        record.withLock {
            $0.begin = now
            $0.own[.processStart] = start
        }
    }

    /// Switches the timings on. The time since ``begin()`` is that of the command line.
    public static func start() {
        let now = nanoseconds(CLOCK_MONOTONIC)
        record.withLock {
            let begin = $0.begin ?? now
            $0.begin = begin
            $0.thread = pthread_self()
            $0.own = [.processStart: $0.own[.processStart] ?? 0, .commandLine: now - begin]
            $0.others = [:]
        }
        isOn.store(true, ordering: .releasing)
    }

    /// Switches the timings off.
    static func stop() { isOn.store(false, ordering: .releasing) }

    /// Calls `body`, and adds its time to the step's where timings are on.
    public static func measure<Result>(_ step: Step, _ body: () throws -> Result) rethrows -> Result {
        guard isOn.load(ordering: .acquiring) else { return try body() }
        let thread = pthread_self(), begin = nanoseconds(CLOCK_MONOTONIC)
        record.withLock { $0.inside[thread, default: []].append(0) }
        defer {
            let time = nanoseconds(CLOCK_MONOTONIC) - begin
            record.withLock { $0.end(step, of: thread, after: time) }
        }
        return try body()
    }

    /// The times so far; nil where timings are off. Steps that have not ended are not in it.
    public static var report: Report? {
        guard isOn.load(ordering: .acquiring) else { return nil }
        let now = nanoseconds(CLOCK_MONOTONIC)
        return record.withLock { record in
            func microseconds(_ times: [Step: UInt64]) -> [(step: Step, microseconds: Int)] {
                Step.allCases.compactMap { step in times[step].map { (step, Int(($0 + 500) / 1_000)) } }
            }
            let steps = microseconds(record.own)
            let total = Int((now - (record.begin ?? now) + (record.own[.processStart] ?? 0) + 500) / 1_000)
            let rest = total - steps.reduce(0) { $0 + $1.microseconds }
            return Report(steps: steps + [(.other, rest)], otherThreads: microseconds(record.others))
        }
    }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
