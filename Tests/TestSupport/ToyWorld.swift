import Foundation
import Support
import Tensors
import Vision
import Weights

/// A small world of coloured shapes on a noisy ground, with exact masks, so that maps can be checked pixel by pixel.
///
/// A scene shows two shapes of different forms and colours. A caption names one shape's form and one shape's colour,
/// chosen independently, the larger shape more often: "a circle and something red". Three properties make the masks a
/// ground truth for maps:
/// - a word's probability grows with the area of its shape, so no word is certain and evidence never saturates;
/// - each form has its own surface (a circle is checked, the others are striped), so evidence is all over the shape;
/// - shapes fade towards their outline, so evidence is not on the outline, half of which is outside the mask.
public struct ToyScene {
    public enum Form: String, CaseIterable, Sendable { case circle, square, triangle, diamond }
    public enum Color: String, CaseIterable, Sendable {
        case red, green, blue, yellow
        var rgb: SIMD3<Float> {
            switch self {
            case .red: return [215, 45, 45]
            case .green: return [45, 175, 65]
            case .blue: return [50, 80, 215]
            case .yellow: return [230, 205, 50]
            }
        }
    }

    /// One shape; centre and half-size in pixels.
    public struct Shape: Sendable {
        public var form: Form
        public var color: Color
        public var x: Float, y: Float, radius: Float

        public func contains(_ px: Float, _ py: Float) -> Bool { contains(px, py, radius: radius) }

        private func contains(_ px: Float, _ py: Float, radius: Float) -> Bool {
            let dx = px - x, dy = py - y
            switch form {
            case .circle: return dx * dx + dy * dy <= radius * radius
            case .square: return abs(dx) <= radius * 0.88 && abs(dy) <= radius * 0.88
            case .triangle: return dy <= radius * 0.9 && dy >= -radius * 1.1 && abs(dx) <= (dy + radius * 1.1) * 0.62
            case .diamond: return abs(dx) + abs(dy) <= radius * 1.1
            }
        }

        /// The opacity of the shape at a point: 0 outside, growing to 1 over about 4 pixels from the outline.
        func opacity(_ px: Float, _ py: Float) -> Float {
            Float((1...4).count { contains(px, py, radius: radius - 1.2 * Float($0)) }) / 4
        }

        /// The brightness of the surface at a point: the form's own pattern, 2 pixels wide.
        func brightness(_ px: Float, _ py: Float) -> Float {
            func stripe(_ d: Float) -> Bool { Int((d / 2).rounded(.down)) & 1 == 0 }
            let dx = px - x, dy = py - y
            let isBright: Bool
            switch form {
            case .circle: isBright = stripe(dx) != stripe(dy)
            case .square: isBright = stripe(dx)
            case .triangle: isBright = stripe(dy)
            case .diamond: isBright = stripe(0.7 * (dx + dy))
            }
            return isBright ? 1 : 0.4
        }
    }

    public static let side = 64
    public let image: Image
    public let shapes: [Shape]

    /// A caption that names the form of one shape and the colour of another.
    public static func caption(_ form: Form, _ color: Color) -> String {
        "a \(form.rawValue) and something \(color.rawValue)"
    }

    /// Every caption that is true of the scene.
    public var trueCaptions: [String] { shapes.flatMap { a in shapes.map { Self.caption(a.form, $0.color) } } }

    /// The shape that a word of the caption describes, if it describes exactly one.
    public func shape(of word: String) -> Shape? {
        let about = shapes.filter { $0.form.rawValue == word || $0.color.rawValue == word }
        return about.count == 1 ? about[0] : nil
    }

    /// True where the pixel's centre is inside the shape.
    public static func mask(_ shape: Shape) -> [Bool] {
        (0..<side * side).map { shape.contains(Float($0 % side) + 0.5, Float($0 / side) + 0.5) }
    }

    /// The mask as an image, white inside.
    public static func maskImage(_ shape: Shape) -> Image {
        var image = Image(width: side, height: side)
        for (pixel, inside) in mask(shape).enumerated() where inside {
            for c in 0..<3 { image.pixels[3 * pixel + c] = 255 }
        }
        return image
    }

    /// Rows of a file of phrases without boxes, for the caption's form and its colour. The chain is the shape's number.
    public func phrases(of caption: String, row: Int, image: String) -> String {
        let words = caption.split(separator: " ").map(String.init)
        return words.indices.compactMap { index -> String? in
            let chain = shapes.firstIndex { [$0.form.rawValue, $0.color.rawValue].contains(words[index]) }
            guard let chain else { return nil }
            let phrase = words[index - 1...index].joined(separator: " ")
            let type = shapes[chain].form.rawValue == words[index] ? "form" : "color"
            return "\(image)\t\(row)\t\(index - 1)\t2\t\(chain)\t\(type)\t\(phrase)\t\t\(caption)\n"
        }.joined()
    }

    /// Draws scene number `index` of the world `seed`.
    public init(seed: UInt64, index: Int) {
        var random = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ UInt64(index))
        _ = random.next()
        let side = Float(Self.side)
        var forms = Form.allCases.shuffled(using: &random), colors = Color.allCases.shuffled(using: &random)
        var shapes: [Shape] = []
        for _ in 0..<2 {
            let radius = 9 + 6 * random.uniform()
            var shape = Shape(form: forms.removeLast(), color: colors.removeLast(), x: 0, y: 0, radius: radius)
            // The second shape must not touch the first.
            for _ in 0..<1000 {
                shape.x = radius + 1 + random.uniform() * (side - 2 * radius - 2)
                shape.y = radius + 1 + random.uniform() * (side - 2 * radius - 2)
                let clear = shapes.allSatisfy { other in
                    let dx = other.x - shape.x, dy = other.y - shape.y, gap = other.radius + radius + 4
                    return dx * dx + dy * dy > gap * gap
                }
                if clear { break }
            }
            shapes.append(shape)
        }
        self.shapes = shapes
        image = Self.draw(shapes, using: &random)
    }

    /// Draws these shapes.
    init(shapes: [Shape], using random: inout SeededGenerator) {
        self.shapes = shapes
        image = Self.draw(shapes, using: &random)
    }

    private static func draw(_ shapes: [Shape], using random: inout SeededGenerator) -> Image {
        let ground = SIMD3<Float>(repeating: 90 + 80 * random.uniform())
        var image = Image(width: side, height: side)
        for y in 0..<side {
            for x in 0..<side {
                let noise = 24 * (random.uniform() - 0.5), (px, py) = (Float(x) + 0.5, Float(y) + 0.5)
                var rgb = ground
                for shape in shapes {
                    rgb += shape.opacity(px, py) * (shape.brightness(px, py) * shape.color.rgb - rgb)
                }
                for c in 0..<3 { image.pixels[(y * side + x) * 3 + c] = UInt8(max(0, min(255, rgb[c] + noise))) }
            }
        }
        return image
    }

    /// Random captions: each names the form and the colour of a shape, chosen with a probability that grows with its
    /// area.
    func captions(_ count: Int, using random: inout SeededGenerator) -> [String] {
        let weights = shapes.map { shape in
            let area = Float(Self.mask(shape).count { $0 })
            return area * area
        }
        func seen() -> Shape { random.uniform() * (weights[0] + weights[1]) < weights[0] ? shapes[0] : shapes[1] }
        return (0..<count).map { _ in Self.caption(seen().form, seen().color) }
    }
}

/// Writes a world in the format of `mmx train caption`: images, captions.csv (ten captions for each image), train.txt,
/// dev.txt. Also writes the input of `mmx evaluate maps`: phrases.tsv, whose phrases have no boxes, and the shapes'
/// masks in `masks`.
public func writeToyWorld(to folder: URL, seed: UInt64, train: Int, dev: Int) throws {
    let images = folder.appendingPathComponent("images")
    let masks = folder.appendingPathComponent("masks")
    for made in [images, masks] { try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true) }
    var captions = "image,caption\n", names: [String] = []
    var phrases = "image\tcaption row\tfirst word\tnumber of words\tchain\ttypes\tphrase\tboxes\tcaption\n"
    var random = SeededGenerator(seed: seed)
    for index in 0..<train + dev {
        let scene = ToyScene(seed: seed, index: index), name = "\(index).png"
        try scene.image.write(to: images.appendingPathComponent(name))
        for (chain, shape) in scene.shapes.enumerated() {
            try ToyScene.maskImage(shape).write(to: masks.appendingPathComponent("\(index)-\(chain).png"))
        }
        for (row, caption) in scene.captions(10, using: &random).enumerated() {
            captions += "\(name),\(caption)\n"
            phrases += scene.phrases(of: caption, row: row, image: name)
        }
        names.append(name)
    }
    try AtomicFile.write(Data(captions.utf8), to: folder.appendingPathComponent("captions.csv"))
    try AtomicFile.write(Data(phrases.utf8), to: folder.appendingPathComponent("phrases.tsv"))
    try AtomicFile.write(
        Data((names.prefix(train).joined(separator: "\n") + "\n").utf8), to: folder.appendingPathComponent("train.txt"))
    try AtomicFile.write(
        Data((names.suffix(dev).joined(separator: "\n") + "\n").utf8), to: folder.appendingPathComponent("dev.txt"))
}
