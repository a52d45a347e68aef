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
        /// Magnitudes above it are drawn as if they were it: the 99th percentile of a map of pixels, nil for one of
        /// cells.
        public var clippedAt: Float?
        /// The box around the largest segment of the drawn map above the threshold (`--boxes`), in pixels of the
        /// photograph; nil when none was asked for, or nothing is positive.
        public var box: Rectangle?
        /// What the drawn map was divided by (`--scale`); nil where nothing was.
        public var drawnMaximum: Float?
    }

    public struct Point: Codable, Sendable {
        public var x: Double
        public var y: Double
    }

    public struct Files: Codable, Sendable {
        public var overlay: String?
        public var heatMap: String?
        /// The raw signed map, NumPy `.npy`; with `--compat`, the tool's at the layer's resolution.
        public var rawMap: String?
        /// With `--compat`, what the tool makes of it for the model's input, NumPy `.npy`.
        public var toolMap: String?
    }

    public struct Rendering: Codable, Sendable {
        /// The means over squares of so many cells a side are drawn of maps of a layer's cells; the raw map itself is
        /// untouched.
        public var smoothing: Int
        /// Applied to them before they are drawn.
        public var normalisation: Normalisation
        /// How the map is brought to the photograph's size.
        public var resampling: String
        public var colorMap: ColorMap
        public var opacity: Float
        public var blend: Blend
        /// Levels of the contour lines, parts of what the map is divided by.
        public var contours: [Float]
        /// Which maps are divided by the same number: each map's `drawnMaximum`.
        public var scale: MapScale.Kind
        /// The part of the photograph that the model saw, in its pixels.
        public var seen: Rectangle
        /// Part of the drawn map's maximum above which boxes are found.
        public var boxThreshold: Float?
        /// The tool whose steps were taken (`--compat`).
        public var compatibility: Compatibility?
    }
}
