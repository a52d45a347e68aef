import Foundation
import Support
import Tensors
import Vision

/// Scenes of the toy world with two shapes of one form, so that a caption has the form's word twice: "a red circle and a
/// blue circle". Where the word's map lies must depend on its place in the caption.
public struct ToyTwins: Sendable {
    public let shapes: [ToyScene.Shape]
    public let image: Image

    /// Draws scene number `index` of the world `seed`.
    public init(seed: UInt64, index: Int) {
        var random = SeededGenerator(seed: seed &* 0xB529_7A4D &+ UInt64(index))
        _ = random.next()
        let side = Float(ToyScene.side)
        let form = ToyScene.Form.allCases.shuffled(using: &random)[0]
        let colors = ToyScene.Color.allCases.shuffled(using: &random)
        var shapes: [ToyScene.Shape] = []
        // Places are drawn again until the two are apart.
        while shapes.count < 2 {
            shapes = (0..<2).map { i in
                let radius = 9 + 6 * random.uniform()
                return ToyScene.Shape(
                    form: form, color: colors[i], x: radius + 1 + random.uniform() * (side - 2 * radius - 2),
                    y: radius + 1 + random.uniform() * (side - 2 * radius - 2), radius: radius)
            }
            let dx = shapes[0].x - shapes[1].x, dy = shapes[0].y - shapes[1].y
            let gap = shapes[0].radius + shapes[1].radius + 4
            if dx * dx + dy * dy <= gap * gap { shapes = [] }
        }
        self.shapes = shapes
        image = ToyScene(shapes: shapes, using: &random).image
    }

    /// "a red circle and a blue circle": the shapes in this order.
    public func caption(_ order: [Int]) -> String {
        order.map { "a \(shapes[$0].color.rawValue) \(shapes[$0].form.rawValue)" }.joined(separator: " and ")
    }

    /// The box of a shape's mask, in pixels.
    private func box(_ shape: ToyScene.Shape) -> String {
        let mask = ToyScene.mask(shape), side = ToyScene.side
        let inside = mask.indices.filter { mask[$0] }
        let xs = inside.map { $0 % side }, ys = inside.map { $0 / side }
        return "\(xs.min() ?? 0),\(ys.min() ?? 0),\((xs.max() ?? 0) + 1),\((ys.max() ?? 0) + 1)"
    }

    /// Rows of a file of phrases with boxes for the caption of `order`.
    func phrases(_ order: [Int], row: Int, image: String) -> String {
        let text = caption(order)
        return order.enumerated().map { place, chain in
            let words = "a \(shapes[chain].color.rawValue) \(shapes[chain].form.rawValue)"
            return "\(image)\t\(row)\t\(place * 4)\t3\t\(chain)\tform\t\(words)\t\(box(shapes[chain]))\t\(text)\n"
        }.joined()
    }
}

/// Writes scenes of twins in the format of `mmx train caption` and `mmx evaluate maps`: images, captions.csv (each order
/// of the two shapes once), train.txt, dev.txt, and phrases.tsv with boxes.
public func writeToyTwins(to folder: URL, seed: UInt64, train: Int, dev: Int) throws {
    let images = folder.appendingPathComponent("images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    var captions = "image,caption\n", names: [String] = []
    var phrases = "image\tcaption row\tfirst word\tnumber of words\tchain\ttypes\tphrase\tboxes\tcaption\n"
    for index in 0..<train + dev {
        let scene = ToyTwins(seed: seed, index: index), name = "\(index).png"
        try scene.image.write(to: images.appendingPathComponent(name))
        for (row, order) in [[0, 1], [1, 0]].enumerated() {
            captions += "\(name),\(scene.caption(order))\n"
            phrases += scene.phrases(order, row: row, image: name)
        }
        names.append(name)
    }
    func write(_ text: String, _ name: String) throws {
        try AtomicFile.write(Data(text.utf8), to: folder.appendingPathComponent(name))
    }
    try write(captions, "captions.csv")
    try write(phrases, "phrases.tsv")
    try write(names.prefix(train).joined(separator: "\n") + "\n", "train.txt")
    try write(names.suffix(dev).joined(separator: "\n") + "\n", "dev.txt")
}
