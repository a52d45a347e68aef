import Tensors
import Vision

/// The copies of each training image in a feature cache: the whole frame and random crops of it, each with its mirror
/// image if asked for.
///
/// A crop keeps 70 to 100 % of each side, so that it still shows what the captions mention.
public struct Augmentation: Codable, Equatable, Sendable {
    /// The number of random crops, besides the whole frame.
    public var crops: Int
    public var flips: Bool
    public var seed: UInt64

    public init(crops: Int = 0, flips: Bool = false, seed: UInt64 = 1) {
        self.crops = crops
        self.flips = flips
        self.seed = seed
    }

    public static let none = Augmentation()

    private static let smallestSide = 0.7

    /// The number of copies of one image; the first is the whole frame.
    public var copies: Int { (1 + crops) * (flips ? 2 : 1) }

    /// The model's inputs for every copy of image number `index`: `[copies, height, width, 3]`, each frame followed by
    /// its mirror image.
    func inputs(_ image: Image, index: Int, _ preprocessing: Preprocessing) -> Tensor {
        let prepared = preprocessing.prepare(image)
        if copies == 1 { return prepared.tensor }
        let (width, height) = (prepared.frame.width, prepared.frame.height)
        let size = width * height * 3
        let input = Tensor(uninitialized: [copies, height, width, 3])
        var output = input.pointer
        for (copy, box) in frames(prepared.placement.rectangle, index: index).enumerated() {
            let image =
                copy == 0
                ? prepared.tensor
                : preprocessing.normalized(
                    image.resized(width: width, height: height, filter: preprocessing.filter, box: box))
            output.update(from: image.pointer, count: size)
            withExtendedLifetime(image) {}
            output += size
            if flips {
                Self.mirror(output - size, to: output, width: width, height: height)
                output += size
            }
        }
        return withExtendedLifetime(input) { input }
    }

    /// The rectangles of the whole frame and of each crop of image number `index`, in the image's pixels.
    private func frames(_ whole: Rectangle, index: Int) -> [Rectangle] {
        var random = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index))
        _ = random.next()
        return [whole] + (0..<crops).map { _ in Self.cut(whole, using: &random) }
    }

    /// The rectangle of a copy of image number `index`, in the image's pixels, and whether it is mirrored.
    func frame(ofCopy copy: Int, index: Int, whole: Rectangle) -> (frame: Rectangle, isMirrored: Bool) {
        (frames(whole, index: index)[flips ? copy / 2 : copy], isMirrored(copy: copy))
    }

    /// Whether a copy is mirrored.
    func isMirrored(copy: Int) -> Bool { flips && copy % 2 == 1 }

    private static func cut(_ whole: Rectangle, using random: inout SeededGenerator) -> Rectangle {
        func part(_ from: Double, _ to: Double) -> (Double, Double) {
            let side = (to - from) * (smallestSide + (1 - smallestSide) * Double(random.uniform()))
            let start = from + (to - from - side) * Double(random.uniform())
            return (start, min(to, start + side))
        }
        let x = part(whole.x0, whole.x1)
        let y = part(whole.y0, whole.y1)
        return Rectangle(x0: x.0, y0: y.0, x1: x.1, y1: y.1)
    }

    private static func mirror(_ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, width: Int, height: Int) {
        for y in 0..<height {
            for x in 0..<width {
                (to + (y * width + x) * 3).update(from: from + (y * width + width - 1 - x) * 3, count: 3)
            }
        }
    }
}
