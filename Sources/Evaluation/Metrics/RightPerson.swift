/// The right person: ``Discrimination`` between the persons of one caption. If a caption has two phrases of people
/// whose regions are apart ("a man helps a woman"), the map of each person's word should have a larger share in its own
/// person's region than the other's map has there. A model that takes the word from the scene, and not from the person,
/// has 50 %. Hendricks et al. 2018 (Women also snowboard, arXiv 1803.09797) ask it of the words for gender, with masks
/// of persons: whether the model is right for the right reason.
enum RightPerson {
    /// The column of the table.
    static let column = MapColumn(name: "rightPerson", title: "right person", isShare: true, table: .rightPerson)
    /// The type of phrases that name persons (Flickr30k Entities).
    static let type = "people"

    /// The other persons among each person's rivals (``Discrimination/rivals(_:)``).
    static func rivals(_ targets: [MapTarget], rivals: [[Int]]) -> [[Int]] {
        let isPerson = targets.map { $0.kind.split(separator: "/").contains { $0 == type } }
        return zip(targets.indices, rivals).map { index, rivals in isPerson[index] ? rivals.filter { isPerson[$0] } : []
        }
    }
}
