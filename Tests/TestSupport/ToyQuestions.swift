import Tensors

/// A question about a drawn scene, and the shapes whose masks contain the evidence for its answer.
public struct ToyQuestion: Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        case color, shape, number
        case yesNo = "yes/no"
    }

    public var kind: Kind
    public var text: String
    public var answer: String
    /// The shapes that the question is about; empty if the answer is "no" or "zero".
    public var shapes: [ToyScene.Shape]
}

/// The drawn world of the toy VQA model: scenes of two to four shapes, and questions about them.
///
/// No two shapes of a scene have the same colour. A form may occur up to three times. Forms, colours and numbers are
/// equally frequent, so a question alone does not tell its answer.
extension ToyScene {
    public static let numberWords = ["zero", "one", "two", "three"]

    /// Draws scene number `index` of the world `seed`.
    public static func questionScene(seed: UInt64, index: Int) -> ToyScene {
        var random = SeededGenerator(seed: seed &* 0xD1B5_4A33 &+ UInt64(index))
        _ = random.next()
        // The first form occurs one to three times, each equally often. The second and third fill the scene. The fourth
        // never occurs.
        let forms = Form.allCases.shuffled(using: &random)
        let count = 1 + index % 3
        let others = (0..<Int.random(in: 1...4 - count, using: &random)).map { _ in
            forms[Int.random(in: 1...2, using: &random)]
        }
        let chosen = [Form](repeating: forms[0], count: count) + others
        let colors = Color.allCases.shuffled(using: &random)
        var shapes: [Shape]?
        while shapes == nil { shapes = arrange(Array(zip(chosen, colors)), using: &random) }
        return ToyScene(shapes: shapes ?? [], using: &random)
    }

    /// Shapes of similar size that do not touch; nil if there was no room.
    private static func arrange(_ kinds: [(Form, Color)], using random: inout SeededGenerator) -> [Shape]? {
        let side = Float(Self.side)
        var shapes: [Shape] = []
        for (form, color) in kinds {
            let radius = 9.5 + 2 * random.uniform()
            var shape = Shape(form: form, color: color, x: 0, y: 0, radius: radius), isClear = false
            for _ in 0..<50 where !isClear {
                shape.x = radius + 1 + random.uniform() * (side - 2 * radius - 2)
                shape.y = radius + 1 + random.uniform() * (side - 2 * radius - 2)
                isClear = shapes.allSatisfy { other in
                    let dx = other.x - shape.x, dy = other.y - shape.y, gap = other.radius + radius + 3
                    return dx * dx + dy * dy > gap * gap
                }
            }
            if !isClear { return nil }
            shapes.append(shape)
        }
        return shapes
    }

    /// One question of each kind that the scene allows: a colour, a shape, a number, two answered yes and two answered
    /// no.
    public func questions(using random: inout SeededGenerator) -> [ToyQuestion] {
        func having(_ form: Form) -> [Shape] { shapes.filter { $0.form == form } }
        let present = Form.allCases.filter { !having($0).isEmpty }, absent = Form.allCases.filter { having($0).isEmpty }
        var questions: [ToyQuestion] = []
        func ask(_ kind: ToyQuestion.Kind, _ text: String, _ answer: String, _ shapes: [Shape]) {
            questions.append(ToyQuestion(kind: kind, text: text, answer: answer, shapes: shapes))
        }
        if let form = present.filter({ having($0).count == 1 }).randomElement(using: &random) {
            ask(.color, "what color is the \(form)?", having(form)[0].color.rawValue, having(form))
        }
        if let shape = shapes.randomElement(using: &random) {
            ask(.shape, "what shape is the \(shape.color) thing?", shape.form.rawValue, [shape])
        }
        // The first shape's form occurs once, twice or three times, each equally often.
        let counted = random.uniform() < 0.25 ? absent.randomElement(using: &random) ?? shapes[0].form : shapes[0].form
        ask(.number, "how many \(counted)s are there?", Self.numberWords[having(counted).count], having(counted))
        if let there = present.randomElement(using: &random), let missing = absent.randomElement(using: &random) {
            ask(.yesNo, "is there a \(there)?", "yes", having(there))
            ask(.yesNo, "is there a \(missing)?", "no", [])
        }
        if let shape = shapes.randomElement(using: &random) {
            ask(.yesNo, "is there a \(shape.color) \(shape.form)?", "yes", [shape])
            let (color, form) = missingPair(absent, using: &random)
            ask(.yesNo, "is there a \(color) \(form)?", "no", [])
        }
        return questions
    }

    /// A colour and a form that no shape of the scene combines. Half the time the scene has both, in different shapes:
    /// a model that looks only for the form or only for the colour is then wrong. Otherwise the scene has only one of
    /// them. If both always occurred, another red shape would be evidence for "no", "yes" would be the answer for lack
    /// of it, and nothing would be evidence for "yes".
    private func missingPair(_ absent: [Form], using random: inout SeededGenerator) -> (Color, Form) {
        func one<T>(_ values: [T], _ fallback: T) -> T { values.randomElement(using: &random) ?? fallback }
        let shape = one(shapes, shapes[0]), others = shapes.filter { $0.form != shape.form }
        let colors = Color.allCases.filter { color in shapes.allSatisfy { $0.color != color } }
        switch random.uniform() {
        case ..<0.5: return (one(others, shape).color, shape.form)
        case ..<0.75 where !colors.isEmpty: return (one(colors, shape.color), shape.form)
        default: return (shape.color, one(absent, shape.form))
        }
    }
}
