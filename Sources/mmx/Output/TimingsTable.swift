import Foundation
import Support

extension Timings.Report {
    /// A line for each step, in milliseconds; those of other threads, which work at the same time, in a column of their
    /// own.
    var table: String {
        func milliseconds(_ microseconds: Int) -> String { String(format: "%.1f", Double(microseconds) / 1_000) }
        let beside = Dictionary(uniqueKeysWithValues: otherThreads.map { ($0.step, milliseconds($0.microseconds)) })
        let times = Dictionary(uniqueKeysWithValues: steps.map { ($0.step, milliseconds($0.microseconds)) })
        let rows = Timings.Step.allCases.filter { times[$0] != nil || beside[$0] != nil }.map {
            [$0.words, times[$0] ?? ""] + (beside[$0].map { [$0] } ?? [])
        }
        let title = ["step", "ms"] + (otherThreads.isEmpty ? [] : ["other threads, ms"])
        return Table.text([title] + rows + [["total", milliseconds(total)]], right: [1, 2])
    }
}

extension Timings.Step {
    fileprivate var words: String {
        switch self {
        case .processStart: "process start"
        case .commandLine: "command line"
        case .model: "reading the model"
        case .hashing: "hashing"
        case .decoding: "decoding"
        case .resizing: "resizing"
        case .encoder: "encoder"
        case .beams: "beam search"
        case .reading: "reading, evidence"
        case .backward: "maps (backward)"
        case .drawing: "drawing"
        case .png: "PNG"
        case .files: "writing files"
        case .other: "other"
        }
    }
}
