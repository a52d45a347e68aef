import Foundation
import Tasks
import TestSupport
import Vision
import XCTest

/// A data set of 64x64 images, one coloured square each, drawn in a temporary folder.
struct DrawnWorld {
    let folder: URL
    /// The box of each image's square.
    private(set) var boxes: [String: Rectangle] = [:]

    private static let colors: [(name: String, rgb: (UInt8, UInt8, UInt8))] = [
        ("red", (210, 40, 40)), ("green", (40, 180, 60)), ("blue", (50, 70, 210)),
    ]

    /// `train` images called t0.png, t1.png, ..., and `dev` called d0.png, ...
    init(train: Int = 24, dev: Int = 6) throws {
        folder = try Fixture.temporaryFolder()
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("images"), withIntermediateDirectories: true)
        let names = (0..<train).map { "t\($0).png" } + (0..<dev).map { "d\($0).png" }
        var captions = "image,caption\n"
        var phrases = "image\tcaption row\tfirst\tcount\tchain\ttypes\tphrase\tboxes\tcaption\n"
        for (i, name) in names.enumerated() {
            let color = Self.colors[i % 3]
            let isBig = i / 3 % 2 == 0
            var image = Image(width: 64, height: 64, color: (120, 120, 120))
            let side = isBig ? 36 : 14
            let x0 = i * 5 % (64 - side)
            let y0 = i * 11 % (64 - side)
            for y in y0..<y0 + side {
                for x in x0..<x0 + side {
                    let p = (y * 64 + x) * 3
                    (image.pixels[p], image.pixels[p + 1], image.pixels[p + 2]) = color.rgb
                }
            }
            try image.write(to: folder.appendingPathComponent("images/\(name)"))
            captions +=
                "\(name),a \(isBig ? "big" : "small") \(color.name) square\n\(name),the square is \(color.name)\n"
            let phrase = "a \(isBig ? "big" : "small") \(color.name) square"
            phrases += "\(name)\t0\t0\t4\t1\tother\t\(phrase)\t\(x0),\(y0),\(x0 + side),\(y0 + side)\t\(phrase)\n"
            boxes[name] = Rectangle(x0: Double(x0), y0: Double(y0), x1: Double(x0 + side), y1: Double(y0 + side))
        }
        try write("captions.csv", captions)
        try write("phrases.tsv", phrases)
        try write("train.txt", names.prefix(train).joined(separator: "\n") + "\n")
        try write("dev.txt", names.suffix(dev).joined(separator: "\n") + "\n")
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }

    func data(_ split: String, captions: String = "captions.csv") throws -> CaptionDataset {
        try CaptionDataset(
            images: folder.appendingPathComponent("images"), captions: folder.appendingPathComponent(captions),
            split: folder.appendingPathComponent(split))
    }

    func output(_ name: String) -> URL { folder.appendingPathComponent(name) }
}
