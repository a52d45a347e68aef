import Explain
import Foundation
import Tasks
import Tensors
import TestSupport
import XCTest

/// A word that a caption has twice, in scenes with two shapes of one form: each place's map belongs to its own shape.
/// The captioners were trained on other scenes (Fixtures/toy-twins/README.md, Fixtures/toy-bilinear-twins/README.md).
final class ToyTwinsTests: XCTestCase {
    private static let scenes = 100

    /// The share of a map's positive part in the cells whose centre lies on the shape.
    private func share(_ map: Tensor, of shape: ToyScene.Shape) -> Float {
        let (rows, columns) = (map.shape[0], map.shape[1]), side = Float(ToyScene.side)
        var (inside, all): (Float, Float) = (0, 0)
        for (cell, value) in map.array.enumerated() where value > 0 {
            all += value
            let x = (Float(cell % columns) + 0.5) * side / Float(columns)
            let y = (Float(cell / columns) + 0.5) * side / Float(rows)
            if shape.contains(x, y) { inside += value }
        }
        return all > 0 ? inside / all : 0
    }

    /// Of 100 scenes with two mentions each: how often a mention's map has a larger share on its own shape than the
    /// other mention's map has there, ties counted as halves.
    private func discrimination(
        _ method: any ExplanationMethod, of model: String = "toy-twins", score: WordScore = .visual
    ) throws -> Double {
        let captioner = try Captioner.load(Fixture.url(model))
        let explainer = try Explainer(captioner, options: ExplanationOptions(methods: [method], wordScore: score))
        var won = 0.0
        for index in 0..<Self.scenes {
            let scene = ToyTwins(seed: 2_024, index: index)
            let image = explainer.encode(captioner.configuration.preprocessing.prepare(scene.image).tensor)
            let form = scene.shapes[0].form.rawValue
            let maps = try explainer.explain(
                image, input: captioner.words(of: scene.caption([0, 1])).words,
                targets: [.word(form, occurrence: 1), .word(form, occurrence: 2)]
            ).targets.map(\.map)
            for own in 0...1 {
                let (here, there) = (
                    share(maps[own], of: scene.shapes[own]), share(maps[1 - own], of: scene.shapes[own])
                )
                won += abs(here - there) < 1e-5 ? 0.5 : here > there ? 1 : 0
            }
        }
        return won / Double(2 * Self.scenes)
    }

    func testGatedGradCAM_ofAWordThatACaptionHasTwice_tellsItsPlacesApart() throws {
        let (gated, centred) = (try discrimination(GatedGradCAM()), try discrimination(CentredGradCAM()))
        print("a word's two places: gated-grad-cam \(gated), centred-grad-cam \(centred)")
        XCTAssertGreaterThanOrEqual(gated, 0.9)
        // Where the scores are a sum over the cells, the cells' own parts of log p do.
        let own = try discrimination(CAM(), of: "toy-bilinear-twins", score: .logProbability)
        print("a word's two places by cam: \(own)")
        XCTAssertGreaterThanOrEqual(own, 0.95)
        // By the gradient's mean there is one map.
        XCTAssertEqual(centred, 0.5)
    }
}
