import Tensors

/// A question about a drawn picture, and the shapes whose masks its answer's evidence lies in.
public struct ToyQuestion: Sendable {
    public enum Kind: String, CaseIterable, Sendable { case color, shape, number, yesNo = "yes/no" }

    public var kind: Kind
    public var text: String
    public var answer: String
    /// What is asked about, as far as the picture has it: empty where the answer is "no" or "zero".
    public var shapes: [ToyPicture.Shape]
}

/// The drawn world of the toy answerer: scenes of two to four shapes, and questions about them.
///
/// No two shapes of a scene have the same colour; a form may occur up to three times. Forms, colours and numbers are
/// drawn alike, so that the question alone says nothing about its answer.
extension ToyPicture {
    public static let numberWords = ["zero", "one", "two", "three"]

    /// Draws scene number `index` of the world `seed`.
    public static func scene(seed: UInt64, index: Int) -> ToyPicture {
        var random = SeededGenerator(seed: seed &* 0xD1B5_4A33 &+ UInt64(index))
        _ = random.next()
        // One form is there one to three times, each as often; two others fill up; the fourth is always absent.
        let forms = Form.allCases.shuffled(using: &random)
        let count = 1 + index % 3
        let others = (0..<Int.random(in: 1...4 - count, using: &random)).map { _ in
            forms[Int.random(in: 1...2, using: &random)]
        }
        let chosen = [Form](repeating: forms[0], count: count) + others
        let colors = Color.allCases.shuffled(using: &random)
        var shapes: [Shape]?
        while shapes == nil { shapes = place(Array(zip(chosen, colors)), using: &random) }
        return ToyPicture(shapes: shapes ?? [], using: &random)
    }

    /// Shapes of about one size that do not touch; nil where they found no room.
    private static func place(_ kinds: [(Form, Color)], using random: inout SeededGenerator) -> [Shape]? {
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

    /// One question of each kind that can be asked: of colour and of shape, of a number, and two to be answered yes and
    /// two to be answered no.
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
        // The first shape's form is there once, twice or three times, each as often.
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

    /// A colour and a form that no shape of the picture has together. Half the time it has both, apart: who only looks
    /// for the form or only for the colour is then wrong. Otherwise it has but one of them: were both always there,
    /// something else that is red would say "no", "yes" would be what is left, and nothing would speak for it.
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
