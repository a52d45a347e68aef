import Vision

/// What the manifests of all tasks have in common.
public enum ManifestParts {
    public struct Photo: Codable, Sendable {
        public var path: String
        /// SHA-256 of the file.
        public var sha256: String
        public var width: Int
        public var height: Int
    }

    public struct Map: Codable, Sendable {
        /// Rows and columns of the raw map.
        public var shape: [Int]
        public var minimum: Float
        public var maximum: Float
        /// The sum of the positive values.
        public var positiveMass: Float
        /// The positive values' part of the sum of all magnitudes.
        public var positiveShare: Float
        /// Centre of the smoothed map's cell with the largest value, in pixels of the photograph; nil when none is
        /// positive.
        public var peak: Point?
    }

    public struct Point: Codable, Sendable {
        public var x: Double
        public var y: Double
    }

    public struct Files: Codable, Sendable {
        public var overlay: String?
        public var heatMap: String?
        /// The raw signed map, NumPy `.npy`.
        public var rawMap: String?
    }

    public struct Rendering: Codable, Sendable {
        /// The raw map's means over squares of so many cells a side are drawn; the raw map itself is untouched.
        public var smoothing: Int
        /// Applied to them before they are drawn.
        public var normalisation: Normalisation
        /// How the map is brought to the photograph's size.
        public var resampling: String
        public var colorMap: ColorMap
        public var opacity: Float
        public var blend: Blend
        /// Levels of the contour lines, parts of the scale's maximum.
        public var contours: [Float]
        /// Which maps are divided by the same number; the number is each score's `drawnMaximum`.
        public var scale: MapScale.Kind
        /// The part of the photograph that the model saw, in its pixels.
        public var seen: Rectangle
    }
}
