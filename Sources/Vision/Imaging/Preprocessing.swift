import Tensors

/// How a photograph is turned into a model's input; a part of the model's `config.json`.
///
/// Each 8-bit sample x of channel c becomes `(x - mean[c]) / std[c]`.
public struct Preprocessing: Codable, Equatable, Sendable {
    /// How a photograph is fitted to the model's input.
    public enum Fit: String, Codable, Sendable {
        /// The whole photograph; its aspect ratio is changed to the model's.
        case squash
        /// The centre of the photograph; its aspect ratio is kept.
        case crop
    }

    /// The size of the model's input, in pixels.
    public let width: Int
    public let height: Int
    public let fit: Fit
    /// For `crop`: the photograph's shorter side is resized to this before the centre is cropped (torchvision's
    /// `Resize(n), CenterCrop(size)`, with its rounding). Nil takes the largest crop with the input's aspect ratio.
    public let resizeShortSide: Int?
    /// The filter for resizing.
    public let filter: ResizeFilter
    /// Red, green, blue; in units of 0...255.
    public let mean: [Float]
    /// Red, green, blue; in units of 0...255; positive.
    public let std: [Float]

    /// The largest width and height that a config may have, in pixels.
    public static let largestSide = 4096

    public init(
        width: Int, height: Int, fit: Fit, resizeShortSide: Int? = nil, filter: ResizeFilter, mean: [Float],
        std: [Float]
    ) {
        self.width = width
        self.height = height
        self.fit = fit
        self.resizeShortSide = resizeShortSide
        self.filter = filter
        self.mean = mean
        self.std = std
        let problem = self.problem
        precondition(problem == nil, problem ?? "")
    }

    private enum CodingKeys: CodingKey { case width, height, fit, resizeShortSide, filter, mean, std }

    /// - Throws: `DecodingError` that names the invalid value.
    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        width = try values.decode(Int.self, forKey: .width)
        height = try values.decode(Int.self, forKey: .height)
        fit = try values.decode(Fit.self, forKey: .fit)
        resizeShortSide = try values.decodeIfPresent(Int.self, forKey: .resizeShortSide)
        filter = try values.decode(ResizeFilter.self, forKey: .filter)
        mean = try values.decode([Float].self, forKey: .mean)
        std = try values.decode([Float].self, forKey: .std)
        if let problem {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
        }
    }

    private var problem: String? {
        guard (1...Self.largestSide).contains(width), (1...Self.largestSide).contains(height) else {
            return "preprocessing: a frame of \(width)x\(height); each side must be 1 to \(Self.largestSide)"
        }
        if let side = resizeShortSide {
            guard fit == .crop else {
                return "preprocessing: resizeShortSide goes with the fit crop, not \(fit.rawValue)"
            }
            guard side >= max(width, height), side <= 2 * Self.largestSide else {
                return
                    "preprocessing: resizeShortSide is \(side); it must be \(max(width, height))"
                    + " to \(2 * Self.largestSide)"
                    + " for a frame of \(width)x\(height)"
            }
        }
        guard mean.count == 3, mean.allSatisfy(\.isFinite) else {
            return "preprocessing: mean must be 3 numbers, not \(mean)"
        }
        guard std.count == 3, std.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            return "preprocessing: std must be 3 positive numbers, not \(std)"
        }
        return nil
    }

    /// The part that the model sees of a photograph of this size.
    public func placement(originalWidth w: Int, originalHeight h: Int) -> Placement {
        let x: (Double, Double), y: (Double, Double)
        switch (fit, resizeShortSide) {
        case (.squash, _): (x, y) = ((0, Double(w)), (0, Double(h)))
        case (.crop, let side?):
            // As in torchvision, the longer side is rounded down, and the margin to the nearest even number.
            let resizedWidth = w <= h ? side : side * w / h, resizedHeight = w <= h ? side * h / w : side
            x = Self.middle(width, of: resizedWidth, original: w)
            y = Self.middle(height, of: resizedHeight, original: h)
        case (.crop, nil):
            let scale = min(Double(w) / Double(width), Double(h) / Double(height))
            let cropWidth = min(Double(w), scale * Double(width)), cropHeight = min(Double(h), scale * Double(height))
            x = ((Double(w) - cropWidth) / 2, (Double(w) + cropWidth) / 2)
            y = ((Double(h) - cropHeight) / 2, (Double(h) + cropHeight) / 2)
        }
        return Placement(
            originalWidth: w, originalHeight: h, modelWidth: width, modelHeight: height,
            rectangle: Rectangle(x0: x.0, y0: y.0, x1: x.1, y1: y.1))
    }

    private static func middle(_ size: Int, of resized: Int, original: Int) -> (Double, Double) {
        let margin = (Double(resized - size) / 2).rounded(.toNearestOrEven)
        let scale = Double(original) / Double(resized)
        return (margin * scale, min(Double(original), (margin + Double(size)) * scale))
    }

    /// The model's input for a photograph.
    public func prepare(_ image: Image) -> PreparedImage {
        let placement = placement(originalWidth: image.width, originalHeight: image.height)
        let frame = image.resized(width: width, height: height, filter: filter, box: placement.rectangle)
        return PreparedImage(tensor: normalized(frame), frame: frame, placement: placement)
    }

    /// `[1, height, width, 3]`, normalised, of an image that already has the input's size.
    public func normalized(_ frame: Image) -> Tensor {
        precondition(frame.width == width && frame.height == height)
        let tensor = Tensor(uninitialized: [1, height, width, 3])
        var table = [Float](repeating: 0, count: 256 * 3)
        for x in 0..<256 {
            for c in 0..<3 { table[3 * x + c] = (Float(x) - mean[c]) / std[c] }
        }
        let output = tensor.pointer
        table.withUnsafeBufferPointer { table in
            frame.pixels.withUnsafeBufferPointer { input in
                for i in 0..<width * height {
                    for c in 0..<3 { output[3 * i + c] = table[Int(input[3 * i + c]) * 3 + c] }
                }
            }
        }
        return withExtendedLifetime(tensor) { tensor }
    }
}

/// A photograph after preprocessing.
public struct PreparedImage: Sendable {
    /// `[1, height, width, 3]`, channels last, normalised.
    public let tensor: Tensor
    /// The same before normalisation, for viewing.
    public let frame: Image
    /// The position of the frame in the photograph.
    public let placement: Placement
}
