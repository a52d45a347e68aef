import Foundation

/// A probability for people: two digits from 0.01 up ("0.93", "0.060"), and the odds below ("1 in 120", "1 in 10,600"),
/// with three digits.
/// - Parameter probability: 0...1. NaN is "unknown". Near 1 there are more digits, so that only 1 is "1".
public func probabilityText(_ probability: Double) -> String {
    guard !probability.isNaN else { return "unknown" }
    if probability <= 0 { return "0" }
    if probability >= 1 { return "1" }
    if probability > 0.9999 { return "more than 0.9999" }
    if probability >= 0.995 { return String(format: probability < 0.9995 ? "%.3f" : "%.4f", probability) }
    if probability >= 0.01 { return String(format: probability < 0.0995 ? "%.3f" : "%.2f", probability) }
    // Slightly above a billion, because 1e-9 has no exact value.
    if 1 / probability > 1.000001e9 { return "less than 1 in a billion" }
    let odds = 1 / probability
    let unit = pow(10, max(0, floor(log10(odds)) - 2))
    let digits = String(Int((odds / unit).rounded() * unit))
    let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits.prefix($0).suffix(3)) }
    return "1 in " + groups.reversed().joined(separator: ",")
}

/// A probability with its name: "p = 0.93", "1 in 10,600", "p is more than 0.9999".
public func probabilityFact(_ probability: Double) -> String {
    let text = probabilityText(probability)
    if text.contains(" in ") { return text }
    return text.first?.isNumber == true ? "p = \(text)" : "p is \(text)"
}

/// ``probabilityFact(_:)-(Double)`` of a probability in single precision.
public func probabilityFact(_ probability: Float) -> String { probabilityFact(Double(probability)) }

/// ``probabilityText(_:)-(Double)`` of a probability in single precision.
public func probabilityText(_ probability: Float) -> String { probabilityText(Double(probability)) }
