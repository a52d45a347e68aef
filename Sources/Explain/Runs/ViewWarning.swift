import Foundation
import Vision

extension Preprocessing {
    /// Warns of a photograph whose shape the model's input does not suit: `squash` changes its aspect ratio by a factor
    /// of 2 or more (`native` too, where a side is below the network's smallest), or `crop` leaves more than half of it
    /// out of view. nil for all others.
    /// - Parameters:
    ///   - w: the photograph's width, in pixels.
    ///   - h: the photograph's height, in pixels.
    func viewWarning(photoWidth w: Int, photoHeight h: Int) -> String? {
        let remedy = "crop it to what matters"
        switch fit {
        case .native:
            let input = placement(originalWidth: w, originalHeight: h)
            let change = Double(w) / Double(h) * Double(input.modelHeight) / Double(input.modelWidth)
            if max(change, 1 / change) < 2 { return nil }
            return "the photograph of \(w)x\(h) pixels is too narrow for the model, which sees it stretched to "
                + "\(input.modelWidth)x\(input.modelHeight) pixels; \(remedy)"
        case .squash:
            let (width, height) = (squashedSide ?? width, squashedSide ?? height)
            let ratio = Double(w) / Double(h), change = ratio * Double(height) / Double(width)
            if max(change, 1 / change) < 2 { return nil }
            let shape =
                ratio >= 1
                ? String(format: "%.1f times as wide as high", ratio)
                : String(format: "%.1f times as high as wide", 1 / ratio)
            let input = width == height ? "to a square" : "to \(width)x\(height) pixels"
            return "the photograph is \(shape); the model sees it squashed \(input); \(remedy)"
        case .crop:
            let seen = placement(originalWidth: w, originalHeight: h).rectangle
            let part = seen.width * seen.height / (Double(w) * Double(h))
            if part >= 0.5 { return nil }
            return String(format: "the model sees only the middle %.0f %% of the photograph; ", part * 100) + remedy
        }
    }
}
