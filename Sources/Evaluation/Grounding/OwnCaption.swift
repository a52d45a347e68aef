import Drawing
import Vision

/// A caption that the model writes, with the maps of its object words, and the reference captions that they are
/// compared with.
///
/// Object words are the head words of the data's phrases. A word's box is the localisation box of its map
/// (`LocalisationBox`).
struct OwnCaption {
    /// An object word of the caption with its maps.
    struct Word {
        var word: String
        var maps: [MapTarget.Map]
    }

    /// A reference caption of the image.
    struct Reference {
        /// Its object words in their order, each with the box around its phrase's boxes.
        var objects: [(word: String, box: Rectangle)]
        /// Its other words. A word of them in the model's caption is no hallucination, but has no box.
        var others: Set<String>
    }

    /// The methods that have maps of the words.
    var methods: [String]
    /// In their order.
    var words: [Word]
    var references: [Reference]
}

/// What the model's own caption of one image adds to the scores of grounding (Zhou et al. 2019, Grounded video
/// description, arXiv 1812.06587, section 5.1 and appendix A.2, as their code for Flickr30k Entities counts).
///
/// A word of the caption is compared with each reference caption: with the first object of the same word. It is a hit
/// if the IoU of the boxes is above 0.5. Precision looks at the words of the caption, recall at the objects of the
/// references. Words of one side only are misses of F1_all, and do not count for F1_loc.
struct GroundedCaption: Equatable {
    /// One comparison.
    struct Entry: Equatable {
        enum Result: Character {
            case hit = "+"
            case miss = "-"
            /// The other side does not have the word.
            case absent = "!"
        }

        var word: String
        var result: Result
    }

    /// The field of the records, of each method of an image's first target.
    static let field = "grounding"
    /// A hit's IoU is larger.
    static let threshold = 0.5

    var precision: [Entry] = []
    var recall: [Entry] = []

    /// Compares the boxes of one method's maps.
    /// - Parameters:
    ///   - words: the caption's object words in their order, each with its map's box.
    ///   - references: the reference captions.
    init(_ words: [(word: String, box: Rectangle?)], _ references: [OwnCaption.Reference]) {
        func result(_ box: Rectangle?, _ other: Rectangle) -> Entry.Result {
            box.map { BoxIoU.iou($0, other) > Self.threshold } == true ? .hit : .miss
        }
        for reference in references {
            for (word, box) in words {
                if let object = reference.objects.first(where: { $0.word == word }) {
                    precision.append(Entry(word: word, result: result(box, object.box)))
                } else if !reference.others.contains(word) {
                    precision.append(Entry(word: word, result: .absent))
                }
            }
            for object in reference.objects {
                let own = words.first { $0.word == object.word }
                recall.append(Entry(word: object.word, result: own.map { result($0.box, object.box) } ?? .absent))
            }
        }
    }

    /// The text of a record: "man+ dog! / man+ ball!".
    var text: String {
        [precision, recall].map { $0.map { "\($0.word)\($0.result.rawValue)" }.joined(separator: " ") }
            .joined(separator: " / ")
    }

    /// Reads ``text``; nil for any other text.
    init?(text: String) {
        var parts: [[Entry]] = [[]]
        for token in text.split(separator: " ") {
            if token == "/" {
                parts.append([])
                continue
            }
            guard token.count > 1, let mark = token.last, let result = Entry.Result(rawValue: mark) else { return nil }
            parts[parts.count - 1].append(Entry(word: String(token.dropLast()), result: result))
        }
        guard parts.count == 2 else { return nil }
        (precision, recall) = (parts[0], parts[1])
    }
}
