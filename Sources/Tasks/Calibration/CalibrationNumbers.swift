import Foundation
import Support

/// `calibration.json`: the numbers of a ``Calibration``.
struct CalibrationNumbers: Codable {
    /// Of a ``FeatureDistribution``.
    struct Distribution: Codable {
        var threshold: Double
        var devWarned: Double
    }

    var format = 1
    var encoder: String
    /// Tells the tensors that belong to these numbers: what their file says of itself.
    var tensors: String
    var data: CalibrationData
    var distribution: Distribution?
    var temperature: FittedTemperature?
    var kinds: [KindAccuracy]

    /// The largest file, in bytes.
    private static let largestFile = 1 << 20

    /// Reads the file.
    /// - Returns: nil where there is none.
    /// - Throws: ``ModelError``.
    static func read(_ url: URL) throws -> CalibrationNumbers? {
        func refused(_ problem: String) -> ModelError { ModelError(path: url.path, problem: problem) }
        let data: Data
        do {
            guard let found = try SmallFile.read(url, atMost: largestFile) else { return nil }
            data = found
        } catch { throw refused("\(error)") }
        let numbers: CalibrationNumbers
        do { numbers = try JSONDecoder().decode(CalibrationNumbers.self, from: data) } catch {
            throw refused("is not a model's calibration: \(ModelFiles.explain(error, of: data))")
        }
        if let problem = numbers.problem { throw refused(problem) }
        return numbers
    }

    private static let counts = 0...1_000_000_000
    private static let nats = 0...1e6

    /// Why they cannot be used; nil where they can.
    var problem: String? {
        if format != 1 { return "has format \(format); this version reads format 1" }
        func number<Value: Comparable>(_ name: String, _ value: Value, _ range: ClosedRange<Value>) -> String? {
            range.contains(value) ? nil : "\(name) is \(value), not in \(range)"
        }
        var problems: [String?] = [
            number("the length of encoder", encoder.utf8.count, 1...100),
            number("the length of tensors", tensors.utf8.count, 1...100),
            number("data.images", data.images, Self.counts), number("data.devImages", data.devImages, Self.counts),
        ]
        if let distribution {
            problems += [
                number("distribution.threshold", distribution.threshold, 0...1e30),
                number("distribution.devWarned", distribution.devWarned, 0...1),
            ]
        }
        if let temperature {
            problems += [
                number("temperature.value", temperature.value, FittedTemperature.range),
                number("temperature.count", temperature.count, Self.counts),
                number("temperature.surpriseBefore", temperature.surpriseBefore, Self.nats),
                number("temperature.surpriseAfter", temperature.surpriseAfter, Self.nats),
                number("temperature.errorBefore", temperature.errorBefore, 0...1),
                number("temperature.errorAfter", temperature.errorAfter, 0...1),
            ]
        }
        for (index, kind) in kinds.enumerated() {
            problems.append(number("kinds.questions", kind.questions, Self.counts))
            problems.append(number("kinds.right", kind.right, 0...max(0, kind.questions)))
            if kinds[..<index].contains(where: { $0.kind == kind.kind }) {
                problems.append("has the kind '\(kind.kind.rawValue)' twice")
            }
        }
        return problems.lazy.compactMap(\.self).first
    }
}
