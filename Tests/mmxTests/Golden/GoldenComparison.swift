import Foundation

/// Compares what the program wrote with a golden file.
///
/// Sums differ in their last bits between instruction sets, so numbers with a fraction have a tolerance. Whole numbers,
/// words, keys and the lengths of lists have none.
struct GoldenComparison {
    /// The largest difference of two numbers, relative to the larger magnitude.
    static let tolerance = 1e-4
    /// The largest difference of two numbers near 0. Evidence is a difference of two log-probabilities; each is a few
    /// 1e-7 off, or 1e-6 without a multiply-add that rounds once.
    static let floor = 5e-6
    /// The largest difference of two values of a map, in thousandths of its largest magnitude.
    static let mapTolerance = 2.0

    /// Whether the bytes of maps and the pixels of images are compared.
    let comparesBytes: Bool
    private(set) var differences: [String] = []

    init(comparesBytes: Bool) { self.comparesBytes = comparesBytes }

    /// Appends a line to `differences` for each value that is not the golden one.
    mutating func compare(_ golden: JSONValue, _ found: JSONValue, at path: String) {
        switch (golden, found) {
        case (.object(let golden), .object(let found)):
            for key in Set(golden.keys).union(found.keys).sorted() {
                let path = path.isEmpty ? key : "\(path).\(key)"
                guard let expected = golden[key] else {
                    differences.append("\(path): is new, \(Self.brief(found[key]))")
                    continue
                }
                guard let value = found[key] else {
                    differences.append("\(path): is missing, golden \(Self.brief(expected))")
                    continue
                }
                switch key {
                case GoldenFile.bytesKey:
                    if comparesBytes { compare(expected, value, at: path) }
                case GoldenFile.mapKey: compareMap(expected, value, at: path)
                default: compare(expected, value, at: path)
                }
            }
        case (.list(let golden), .list(let found)):
            if golden.count != found.count {
                differences.append("\(path): has \(found.count) entries, golden \(golden.count)")
            }
            for (index, (expected, value)) in zip(golden, found).enumerated() {
                compare(expected, value, at: "\(path)[\(index)]")
            }
        case (.number(let expected), .number(let value)):
            if !Self.areEqual(expected, value) { differences.append("\(path): \(value), golden \(expected)") }
        case (.text(let expected), .text(let value)):
            if !Self.areEqual(expected, value) { differences.append("\(path): '\(value)', golden '\(expected)'") }
        default:
            if golden != found {
                differences.append("\(path): \(Self.brief(found)), golden \(Self.brief(golden))")
            }
        }
    }

    private mutating func compareMap(_ golden: JSONValue, _ found: JSONValue, at path: String) {
        guard let expected = GoldenFile.values(golden), let values = GoldenFile.values(found),
            expected.count == values.count
        else {
            differences.append("\(path): \(Self.brief(found)), golden \(Self.brief(golden))")
            return
        }
        let wrong = zip(expected, values).enumerated().filter { abs($1.0 - $1.1) > Self.mapTolerance || $1.1.isNaN }
        guard let first = wrong.first else { return }
        differences.append(
            "\(path): \(wrong.count) of \(values.count) values differ; number \(first.offset) is "
                + "\(first.element.1) thousandths, golden \(first.element.0)")
    }

    static func areEqual(_ golden: Double, _ found: Double) -> Bool {
        if golden == golden.rounded() && found == found.rounded() { return golden == found }
        return abs(golden - found) <= max(floor, tolerance * max(abs(golden), abs(found)))
    }

    /// Whether the words are the same; numbers with a fraction may differ by one in the last printed digit.
    static func areEqual(_ golden: String, _ found: String) -> Bool {
        if golden == found { return true }
        let pattern = /[0-9]+(?:\.[0-9]+)?(?:e[-+][0-9]+)?/
        let words = golden.split(separator: pattern, omittingEmptySubsequences: false)
        guard words == found.split(separator: pattern, omittingEmptySubsequences: false) else { return false }
        return zip(golden.matches(of: pattern), found.matches(of: pattern)).allSatisfy { expected, value in
            if expected.output == value.output { return true }
            guard expected.output.contains(/[.e]/), let one = Double(expected.output), let other = Double(value.output)
            else { return false }
            return abs(one - other) <= 1.01 * lastDigit(expected.output) + tolerance * abs(one)
        }
    }

    /// The value of one in the last digit: 0.01 for "1.25", 1e-7 for "1.25e-05".
    private static func lastDigit(_ number: Substring) -> Double {
        let parts = number.split(separator: "e")
        let decimals = parts[0].split(separator: ".").dropFirst().first?.count ?? 0
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        return pow(10, Double(exponent - decimals))
    }

    private static func brief(_ value: JSONValue?) -> String {
        let text = value?.lines().split(separator: "\n").joined(separator: " ") ?? "nothing"
        return text.count > 100 ? text.prefix(100) + "..." : text
    }
}
