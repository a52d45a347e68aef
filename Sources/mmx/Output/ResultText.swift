import Foundation

/// Numbers and files as every explaining command prints them.
enum ResultText {
    /// One decimal, in a column of five characters and the sign.
    static func percent(_ probability: Float) -> String { String(format: "%5.1f %%", probability * 100) }

    /// A target, its score and the overlay of its map; nil where no overlay was drawn.
    /// - Parameters:
    ///   - kind: what the score is called.
    ///   - method: nil where all maps are made by one method.
    static func map(_ name: String, score: Float, kind: String = "score", method: String?, file: String?) -> String? {
        guard let file else { return nil }
        return "\(name) (\(kind) \(String(format: "%.3f", score))\(method.map { ", \($0)" } ?? "")): \(file)"
    }
}
