import Foundation
import Tasks
import Tensors
import TestSupport
import Vision

/// Writes scenes and questions about them in the format of `mmx train vqa`: images, train.jsonl, dev.jsonl. Each
/// question has the boxes of the shapes that it is about.
func writeToyQuestions(to folder: URL, seed: UInt64, train: Int, dev: Int) throws {
    let images = folder.appendingPathComponent("images")
    try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
    var random = SeededGenerator(seed: seed)
    for (name, indices) in [("train", 0..<train), ("dev", train..<train + dev)] {
        let questions = try indices.flatMap { index in
            let scene = ToyScene.questionScene(seed: seed, index: index), image = "\(index).png"
            try scene.image.write(to: images.appendingPathComponent(image))
            return scene.questions(using: &random).map {
                Question(
                    image: image, text: $0.text, answer: $0.answer, kind: $0.kind.rawValue,
                    boxes: $0.shapes.map { box(ToyScene.mask($0)) })
            }
        }
        try QuestionLines.write(questions, to: folder.appendingPathComponent("\(name).jsonl"))
    }
}

/// The smallest box that contains all of the mask's pixels.
private func box(_ mask: [Bool]) -> Rectangle {
    let inside = mask.indices.filter { mask[$0] }
    let columns = inside.map { $0 % ToyScene.side }, rows = inside.map { $0 / ToyScene.side }
    return Rectangle(
        x0: Double(columns.min() ?? 0), y0: Double(rows.min() ?? 0), x1: Double((columns.max() ?? -1) + 1),
        y1: Double((rows.max() ?? -1) + 1))
}
