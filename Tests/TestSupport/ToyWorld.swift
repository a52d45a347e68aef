import Foundation
import Tensors
import Vision
import Weights

/// A tiny world of coloured shapes on a noisy ground, with exact masks: what a model looked at can be checked pixel by pixel.
///
/// A picture shows one or two shapes of different kinds and colours; where there are two, the bigger one is named first:
/// "a red circle", "a blue square and a green triangle".
public struct ToyPicture {
    public enum Form: String, CaseIterable, Sendable { case circle, square, triangle }
    public enum Color: String, CaseIterable, Sendable {
        case red, green, blue, yellow
        var rgb: (Float, Float, Float) {
            switch self {
            case .red: return (215, 45, 45)
            case .green: return (45, 175, 65)
            case .blue: return (50, 80, 215)
            case .yellow: return (230, 205, 50)
            }
        }
    }

    /// One shape; centre and half-size in pixels.
    public struct Shape: Sendable {
        public var form: Form
        public var color: Color
        public var x: Float, y: Float, radius: Float

        public func contains(_ px: Float, _ py: Float) -> Bool {
            let dx = px - x, dy = py - y
            switch form {
            case .circle: return dx * dx + dy * dy <= radius * radius
            case .square: return abs(dx) <= radius * 0.88 && abs(dy) <= radius * 0.88
            case .triangle: return dy <= radius * 0.8 && dy >= -radius && abs(dx) <= (dy + radius) * 0.6
            }
        }
    }

    public static let side = 64
    public let image: Image
    /// The named order: the bigger first.
    public let shapes: [Shape]

    public var caption: String {
        shapes.map { "a \($0.color.rawValue) \($0.form.rawValue)" }.joined(separator: " and ")
    }

    /// The shape that a word of the caption is about, if it is about one alone.
    public func shape(of word: String) -> Shape? {
        let about = shapes.filter { $0.form.rawValue == word || $0.color.rawValue == word }
        return about.count == 1 ? about[0] : nil
    }

    /// True where the pixel's centre lies in the shape.
    public static func mask(_ shape: Shape) -> [Bool] {
        (0..<side * side).map { shape.contains(Float($0 % side) + 0.5, Float($0 / side) + 0.5) }
    }

    /// Draws picture number `index` of the world `seed`.
    public init(seed: UInt64, index: Int) {
        var random = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ UInt64(index))
        _ = random.next()
        let side = Float(Self.side)
        let two = random.next() % 2 == 0
        var forms = Form.allCases.shuffled(using: &random), colors = Color.allCases.shuffled(using: &random)
        var shapes: [Shape] = []
        for i in 0..<(two ? 2 : 1) {
            let radius: Float = !two ? 9 + 5 * random.uniform() : i == 0 ? 14 + 3 * random.uniform() : 8 + 2 * random.uniform()
            var shape = Shape(form: forms.removeLast(), color: colors.removeLast(), x: 0, y: 0, radius: radius)
            // The second goes where it does not touch the first.
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

    private static func draw(_ shapes: [Shape], using random: inout SeededGenerator) -> Image {
        let ground = 90 + 80 * random.uniform()
        var image = Image(width: side, height: side)
        for y in 0..<side {
            for x in 0..<side {
                let noise = 24 * (random.uniform() - 0.5)
                var rgb = (ground, ground, ground)
                for shape in shapes where shape.contains(Float(x) + 0.5, Float(y) + 0.5) { rgb = shape.color.rgb }
                let p = (y * side + x) * 3
                image.pixels[p] = UInt8(max(0, min(255, rgb.0 + noise)))
                image.pixels[p + 1] = UInt8(max(0, min(255, rgb.1 + noise)))
                image.pixels[p + 2] = UInt8(max(0, min(255, rgb.2 + noise)))
            }
        }
        return image
    }
}

/// Writes a world as `mmx train caption` reads it: images, captions.csv, train.txt, dev.txt.
public func writeToyWorld(to folder: URL, seed: UInt64, train: Int, dev: Int) throws {
    let images = folder.appendingPathComponent("images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    var captions = "image,caption\n", names: [String] = []
    for index in 0..<train + dev {
        let picture = ToyPicture(seed: seed, index: index), name = "\(index).png"
        try picture.image.write(to: images.appendingPathComponent(name))
        captions += "\(name),\(picture.caption)\n"
        names.append(name)
    }
    try AtomicFile.write(Data(captions.utf8), to: folder.appendingPathComponent("captions.csv"))
    try AtomicFile.write(Data((names.prefix(train).joined(separator: "\n") + "\n").utf8), to: folder.appendingPathComponent("train.txt"))
    try AtomicFile.write(Data((names.suffix(dev).joined(separator: "\n") + "\n").utf8), to: folder.appendingPathComponent("dev.txt"))
}
