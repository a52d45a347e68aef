import Foundation
import Support

/// A progress line on standard error: redrawn in place on a terminal, a line now and then elsewhere.
final class Progress {
    private let terminal = isatty(STDERR_FILENO) == 1
    private var last = Date.distantPast
    private var drawn = false
    /// Seconds between two lines where there is no terminal.
    private let interval: TimeInterval

    /// - Parameter startsAtOnce: whether the first line comes at once where there is no terminal, too.
    init(interval: TimeInterval = 30, startsAtOnce: Bool = true) {
        self.interval = interval
        if !startsAtOnce, !terminal { last = Date() }
    }

    /// - Parameter fraction: what is done, 0...1; nil where it is not known.
    func update(_ text: @autoclosure () -> String, fraction: Double?) {
        let now = Date()
        if now.timeIntervalSince(last) < (terminal ? 0.1 : interval) { return }
        last = now
        if terminal {
            guard let fraction else {
                StandardError.write("\r\u{1B}[K\(PrintableText.escaped(text()))")
                drawn = true
                return
            }
            let width = 24
            let full = Int(max(0, min(1, fraction)) * Double(width))
            let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
            StandardError.write("\r\u{1B}[K\(bar) \(PrintableText.escaped(text()))")
            drawn = true
        } else {
            StandardError.line((fraction.map { "\(Int($0 * 100)) % " } ?? "") + text())
        }
    }

    /// How many of the things are done.
    func count(_ done: Int, of all: Int, _ things: String) {
        update("\(done)/\(all) \(things)", fraction: Double(done) / Double(max(1, all)))
    }

    /// Runs of a model, of a method that takes many.
    func runs(_ done: Int, of all: Int) {
        count(done, of: all, "runs of the model")
    }

    /// Clears the drawn line when `body` is done, or fails.
    func clearing<T>(_ body: () throws -> T) rethrows -> T {
        defer {
            erase()
        }
        return try body()
    }

    /// A line that stays.
    func line(_ text: String) {
        erase()
        StandardError.line(text)
    }

    static func duration(_ seconds: Double) -> String {
        let s = Int(max(0, seconds.isFinite ? seconds : 0))
        return s >= 3600 ? "\(s / 3600) h \(s / 60 % 60) min" : s >= 60 ? "\(s / 60) min \(s % 60) s" : "\(s) s"
    }

    private func erase() {
        if drawn { StandardError.write("\r\u{1B}[K") }
        drawn = false
    }
}
