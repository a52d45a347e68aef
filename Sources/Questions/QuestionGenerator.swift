import Foundation
import Language
import Tasks
import Tensors

/// Generates questions about images from their captions and from the captions' phrases with boxes, similar to COCO-QA
/// (Ren et al. 2015, section 3.3), which used captions alone.
///
/// Kinds: "object", "number", "color", "wearing/holding", "where", "yes/no"; with ``Options/isWide`` also "doing" and
/// "either/or". Facts on which the captions contradict
/// each other are dropped, and answers are balanced so that a question's wording alone predicts little.
public struct QuestionGenerator: Sendable {
    public struct Options: Equatable, Sendable {
        public var seed: UInt64
        /// The most wordings of one question; short wordings ("what color?") are not counted.
        public var wordings: Int
        /// The share of facts that are also asked in their short wording, where it is clear.
        public var shortShare: Float
        /// Whether to ask more than the six kinds: what someone is doing, which of two things it is, what stands beside,
        /// sports, left and right, and yes or no of actions, clothes and scenes. The questions of the six kinds stay the
        /// same.
        public var isWide: Bool

        public init(seed: UInt64 = 1, wordings: Int = 2, shortShare: Float = 0.25, isWide: Bool = false) {
            self.seed = seed
            self.wordings = wordings
            self.shortShare = shortShare
            self.isWide = isWide
        }
    }

    /// Counts of the generated and the dropped questions.
    public struct Report: Codable, Equatable, Sendable {
        public struct Kind: Codable, Equatable, Sendable {
            public var questions = 0
            /// Different answers.
            public var answers = 0
            /// The accuracy of always giving the kind's most frequent answer.
            public var prior = 0.0
            /// The accuracy of giving the most frequent answer to each wording, which needs no image.
            public var wordingPrior = 0.0
            /// Facts that were dropped because the captions contradict each other.
            public var contradicted = 0
            /// Facts that were dropped to balance the answers.
            public var unbalanced = 0
        }
        public var images = 0
        public var questions = 0
        public var kinds: [String: Kind] = [:]
    }

    public let options: Options

    public init(options: Options = Options()) { self.options = options }

    /// Reads the three files and generates the questions about the split's images, in its order.
    /// - Parameters:
    ///   - captions: CSV `image,caption`.
    ///   - phrases: tab-separated phrases with boxes, as ``PhraseFile`` describes.
    ///   - split: names of images, one a line.
    /// - Throws: ``DatasetError`` that names the file and the line.
    public func questions(captions: URL, phrases: URL, split: URL) throws -> (questions: [Question], report: Report) {
        let names = try ImageList.read(split)
        let chosen = Set(names)
        var texts: [String: [String]] = [:]
        for row in try CaptionsFile.read(captions) where chosen.contains(row.image) {
            texts[row.image, default: []].append(row.caption)
        }
        if let missing = names.first(where: { texts[$0] == nil }) {
            throw DatasetError(path: split.path, problem: "\(missing) has no captions in \(captions.path)")
        }
        let byImage = Dictionary(grouping: try PhraseFile.read(phrases, images: chosen), by: \.image)
        guard !byImage.isEmpty else {
            throw DatasetError(path: phrases.path, problem: "has no phrases of the images in \(split.path)")
        }
        let tokenizer = CaptionTokenizer()
        let images = names.map { name in
            AnnotatedImage(
                name: name, captions: (texts[name] ?? []).map { tokenizer.tokens($0) }, phrases: byImage[name] ?? [],
                lexicon: .shared)
        }
        return questions(images)
    }

    func questions(_ images: [AnnotatedImage]) -> (questions: [Question], report: Report) {
        var generator = SeededGenerator(seed: options.seed)
        var contradicted: [String: Int] = [:]
        var open: [QuestionFact] = []
        for image in images {
            let relations = Relations(image)
            // Where captions use nouns for one thing that exclude each other, nothing is asked about it.
            contradicted["object", default: 0] += image.entities.count { $0.noun == nil && !$0.nouns.isEmpty }
            open += ColorQuestions.facts(image, relations, dropped: &contradicted["color", default: 0])
            open += NumberQuestions.facts(image, dropped: &contradicted["number", default: 0])
            open += ObjectQuestions.facts(image, relations, dropped: &contradicted["object", default: 0])
            open += WornHeldQuestions.facts(
                image, relations, dropped: &contradicted[WornHeldQuestions.kind, default: 0])
            open += PlaceQuestions.facts(image, relations, dropped: &contradicted["where", default: 0])
        }
        var closed = YesNoQuestions.presence(images, generator: &generator)
        closed += YesNoQuestions.colors(images, generator: &generator)
        closed += YesNoQuestions.numbers(open, generator: &generator)

        let thinned = AnswerBalance.thin(open, shares: Self.shares, generator: &generator)
        let evened = AnswerBalance.even(closed, generator: &generator)
        var questions = ask(thinned.kept, generator: &generator)
        questions += askPairs(evened.kept, generator: &generator)
        var (facts, kept) = (open + closed, thinned.kept + evened.kept)
        if options.isWide {
            let wide = wide(images, open: open, contradicted: &contradicted)
            (facts, kept) = (facts + wide.all, kept + wide.kept)
            questions += wide.questions
        }
        let order = Dictionary(uniqueKeysWithValues: images.enumerated().map { ($1.name, $0) })
        // In the order of the split; within an image, in the order of the kinds.
        let sorted = questions.enumerated().sorted {
            (order[$0.element.image] ?? 0, $0.offset) < (order[$1.element.image] ?? 0, $1.offset)
        }.map(\.element)
        var report = report(sorted, images: images.count)
        for (kind, count) in contradicted { report.kinds[kind]?.contradicted = count }
        let all = Dictionary(grouping: facts, by: \.kind)
        let left = Dictionary(grouping: kept, by: \.kind)
        for (kind, facts) in all { report.kinds[kind]?.unbalanced = facts.count - (left[kind]?.count ?? 0) }
        return (sorted, report)
    }

    /// The questions of ``Options/isWide``, with random numbers of their own.
    /// - Parameter open: the facts of the six kinds that are not answered by yes or no.
    private func wide(
        _ images: [AnnotatedImage], open: [QuestionFact], contradicted: inout [String: Int]
    ) -> (questions: [Question], all: [QuestionFact], kept: [QuestionFact]) {
        var generator = SeededGenerator(seed: options.seed ^ 0x57DE)
        var facts: [QuestionFact] = []
        for image in images {
            facts += ActionQuestions.facts(image, dropped: &contradicted[ActionQuestions.kind, default: 0])
            facts += SportQuestions.facts(image)
            facts += SideQuestions.facts(image, dropped: &contradicted["object", default: 0])
            facts += SideQuestions.leftAndRight(image, generator: &generator)
        }
        facts += ActionQuestions.checks(images, generator: &generator)
        facts += ChoiceQuestions.facts(images, open: open, generator: &generator)
        facts += WiderYesNoQuestions.worn(images.map { ($0, Relations($0)) }, generator: &generator)
        facts += WiderYesNoQuestions.scenes(images, open: open, generator: &generator)
        facts += WiderYesNoQuestions.indoors(images, generator: &generator)
        facts += WiderYesNoQuestions.colored(images, generator: &generator)
        let closed = AnswerBalance.even(facts.filter { $0.kind == "yes/no" }, generator: &generator).kept
        let thinned = AnswerBalance.thin(
            facts.filter { $0.kind != "yes/no" }, shares: Self.shares, generator: &generator
        ).kept
        let questions = ask(thinned, generator: &generator) + askPairs(closed, generator: &generator)
        return (questions, facts, thinned + closed)
    }

    /// By kind, the largest share of one answer among questions with the same wording.
    private static let shares = [
        "color": 0.22, "number": 0.42, "object": 0.25, WornHeldQuestions.kind: 0.22, "where": 0.2,
        ActionQuestions.kind: 0.15, ChoiceQuestions.kind: 0.55,
    ]

    private func ask(_ facts: [QuestionFact], generator: inout SeededGenerator) -> [Question] {
        var questions: [Question] = []
        var short: [QuestionFact] = []
        for fact in facts {
            for wording in fact.wordings.shuffled(using: &generator).prefix(max(1, options.wordings)) {
                questions.append(question(fact, wording))
            }
            if fact.short != nil, generator.uniform() < options.shortShare {
                var fact = fact
                fact.group = fact.short ?? ""
                short.append(fact)
            }
        }
        let kept = AnswerBalance.thin(short, shares: Self.shares, small: 1, generator: &generator).kept
        return questions + kept.map { question($0, $0.short ?? "") }
    }

    /// Asks a "yes" and a "no" of the same group in the same wording.
    private func askPairs(_ facts: [QuestionFact], generator: inout SeededGenerator) -> [Question] {
        var questions: [Question] = []
        for (_, members) in Dictionary(grouping: facts, by: \.group).sorted(by: { $0.key < $1.key }) {
            let yes = members.filter { $0.answer == "yes" }
            let no = members.filter { $0.answer == "no" }
            for (yes, no) in zip(yes, no) {
                let wording = yes.wordings.randomElement(using: &generator) ?? yes.wordings[0]
                questions += [question(yes, wording), question(no, wording)]
            }
        }
        return questions
    }

    private func question(_ fact: QuestionFact, _ wording: String) -> Question {
        Question(image: fact.image, text: wording, answer: fact.answer, kind: fact.kind, boxes: fact.boxes)
    }

    private func report(_ questions: [Question], images: Int) -> Report {
        var report = Report(images: images, questions: questions.count)
        for (kind, members) in Dictionary(grouping: questions, by: \.kind) {
            func largest(_ questions: [Question]) -> Int {
                Dictionary(grouping: questions, by: \.answer).values.map(\.count).max() ?? 0
            }
            let byText = Dictionary(grouping: members, by: \.text).values.reduce(0) { $0 + largest($1) }
            report.kinds[kind] = Report.Kind(
                questions: members.count, answers: Set(members.map(\.answer)).count,
                prior: Double(largest(members)) / Double(members.count),
                wordingPrior: Double(byText) / Double(members.count))
        }
        return report
    }
}
