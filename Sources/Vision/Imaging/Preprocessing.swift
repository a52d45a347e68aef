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
        /// The whole photograph at its own size, for networks that take any size. See ``nativeLimit`` and
        /// ``nativeSmallest`` for photographs that are too large or too small.
        case native
    }

    /// The size of the model's input, in pixels. With the fit `native` it is nominal: a size to measure the network at.
    /// The real size is that of ``PreparedImage/frame``, and in its placement.
    public let width: Int
    public let height: Int
    public let fit: Fit
    /// For `crop`: the photograph's shorter side is resized to this before the centre is cropped (torchvision's
    /// `Resize(n), CenterCrop(size)`, with its rounding). Nil takes the largest crop with the input's aspect ratio.
    public let resizeShortSide: Int?
    /// For `squash`: the photograph is squashed to a square of this side, and its centre is cropped. Where the margins
    /// are odd, the left and the upper one are the smaller, as in TensorFlow (torchvision rounds to even). Nil
    /// squashes to the input's size.
    public let squashedSide: Int?
    /// For `native`: a photograph with a longer side is shrunk so that its longer side is this; memory and time grow
    /// with the number of pixels. Nil with any other fit.
    public let nativeLimit: Int?
    /// For `native`: a side that is shorter is stretched to this, and the photograph's aspect ratio is changed. Nil
    /// with any other fit.
    public let nativeSmallest: Int?
    /// The filter for resizing.
    public let filter: ResizeFilter
    /// Red, green, blue; in units of 0...255.
    public let mean: [Float]
    /// Red, green, blue; in units of 0...255; positive.
    public let std: [Float]

    /// The largest width and height that a config may have, in pixels.
    public static let largestSide = 4096
    /// ``nativeLimit`` where none is given.
    public static let usualNativeLimit = 1024

    /// - Parameters:
    ///   - nativeLimit: only with `native`; nil for ``usualNativeLimit``.
    ///   - nativeSmallest: only with `native`; nil for 1. It must be the network's `smallestSide` at least.
    public init(
        width: Int, height: Int, fit: Fit, resizeShortSide: Int? = nil, squashedSide: Int? = nil,
        nativeLimit: Int? = nil, nativeSmallest: Int? = nil, filter: ResizeFilter, mean: [Float], std: [Float]
    ) {
        self.width = width
        self.height = height
        self.fit = fit
        self.resizeShortSide = resizeShortSide
        self.squashedSide = squashedSide
        self.nativeLimit = nativeLimit ?? (fit == .native ? Self.usualNativeLimit : nil)
        self.nativeSmallest = nativeSmallest ?? (fit == .native ? 1 : nil)
        self.filter = filter
        self.mean = mean
        self.std = std
        let problem = self.problem
        precondition(problem == nil, problem ?? "")
    }

    /// The same with another mean and standard deviation of the channels; in units of 0...255.
    public func normalizing(mean: [Float], std: [Float]) -> Preprocessing {
        Preprocessing(
            width: width, height: height, fit: fit, resizeShortSide: resizeShortSide, squashedSide: squashedSide,
            nativeLimit: nativeLimit, nativeSmallest: nativeSmallest, filter: filter, mean: mean, std: std)
    }

    // The optional values are written only where they are set.
    private enum CodingKeys: CodingKey {
        case width, height, fit, resizeShortSide, squashedSide, nativeLimit, nativeSmallest, filter, mean, std
    }

    /// - Throws: `DecodingError` that names the invalid value.
    public init(from decoder: Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        width = try values.decode(Int.self, forKey: .width)
        height = try values.decode(Int.self, forKey: .height)
        fit = try values.decode(Fit.self, forKey: .fit)
        resizeShortSide = try values.decodeIfPresent(Int.self, forKey: .resizeShortSide)
        squashedSide = try values.decodeIfPresent(Int.self, forKey: .squashedSide)
        nativeLimit =
            try values.decodeIfPresent(Int.self, forKey: .nativeLimit)
            ?? (fit == .native ? Self.usualNativeLimit : nil)
        nativeSmallest =
            try values.decodeIfPresent(Int.self, forKey: .nativeSmallest) ?? (fit == .native ? 1 : nil)
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
        if let side = squashedSide {
            guard fit == .squash else {
                return "preprocessing: squashedSide goes with the fit squash, not \(fit.rawValue)"
            }
            guard side >= max(width, height), side <= Self.largestSide else {
                return
                    "preprocessing: squashedSide is \(side); it must be \(max(width, height)) to \(Self.largestSide)"
                    + " for a frame of \(width)x\(height)"
            }
        }
        if let problem = nativeProblem { return problem }
        guard mean.count == 3, mean.allSatisfy(\.isFinite) else {
            return "preprocessing: mean must be 3 numbers, not \(mean)"
        }
        guard std.count == 3, std.allSatisfy({ $0.isFinite && $0 > 0 }) else {
            return "preprocessing: std must be 3 positive numbers, not \(std)"
        }
        return nil
    }

    private var nativeProblem: String? {
        guard fit == .native else {
            return nativeLimit == nil && nativeSmallest == nil
                ? nil : "preprocessing: nativeLimit and nativeSmallest go with the fit native, not \(fit.rawValue)"
        }
        let limit = nativeLimit ?? 0, smallest = nativeSmallest ?? 0
        guard (1...Self.largestSide).contains(limit) else {
            return "preprocessing: nativeLimit is \(limit); it must be 1 to \(Self.largestSide)"
        }
        guard (1...limit).contains(smallest) else {
            return "preprocessing: nativeSmallest is \(smallest); it must be 1 to nativeLimit, \(limit)"
        }
        return nil
    }

    /// Whether all photographs become inputs of one size, ``width`` x ``height``, so that they fit into one tensor.
    public var hasOneSize: Bool { fit != .native }

    /// The size of the model's input for a photograph of this size.
    private func inputSize(originalWidth w: Int, originalHeight h: Int) -> (width: Int, height: Int) {
        guard fit == .native, let nativeLimit, let nativeSmallest else { return (width, height) }
        let scale = min(1, Double(nativeLimit) / Double(max(w, h)))
        func side(_ original: Int) -> Int { max(nativeSmallest, Int((Double(original) * scale).rounded())) }
        return (side(w), side(h))
    }

    /// The part that the model sees of a photograph of this size.
    public func placement(originalWidth w: Int, originalHeight h: Int) -> Placement {
        let x: (Double, Double), y: (Double, Double)
        let (width, height) = inputSize(originalWidth: w, originalHeight: h)
        switch (fit, resizeShortSide) {
        case (.squash, _):
            x = squashedMiddle(width, original: w)
            y = squashedMiddle(height, original: h)
        case (.native, _): (x, y) = ((0, Double(w)), (0, Double(h)))
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

    /// The pixels before the centre of a squashed photograph.
    private static func squashedMargin(_ size: Int, of side: Int) -> Int { (side - size) / 2 }

    private func squashedMiddle(_ size: Int, original: Int) -> (Double, Double) {
        guard let side = squashedSide else { return (0, Double(original)) }
        let margin = Self.squashedMargin(size, of: side), scale = Double(original) / Double(side)
        return (Double(margin) * scale, min(Double(original), Double(margin + size) * scale))
    }

    /// The model's input for a photograph.
    public func prepare(_ image: Image) -> PreparedImage {
        let placement = placement(originalWidth: image.width, originalHeight: image.height)
        let frame: Image
        if let side = squashedSide {
            // Cropped from the squashed image: to resize the rectangle alone would round a few samples in another way.
            frame = image.resized(width: side, height: side, filter: filter).cropped(
                x: Self.squashedMargin(width, of: side), y: Self.squashedMargin(height, of: side), width: width,
                height: height)
        } else {
            frame = image.resized(
                width: placement.modelWidth, height: placement.modelHeight, filter: filter, box: placement.rectangle)
        }
        return PreparedImage(tensor: normalized(frame), frame: frame, placement: placement)
    }

    /// `[1, height, width, 3]`, normalised, of an image that already has the input's size; with the fit `native`, of
    /// any image.
    public func normalized(_ frame: Image) -> Tensor {
        precondition(!hasOneSize || frame.width == width && frame.height == height)
        let (width, height) = (frame.width, frame.height)
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
