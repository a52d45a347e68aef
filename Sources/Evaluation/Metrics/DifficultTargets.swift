/// The difficult targets (Zhang et al. 2018, Excitation backprop, arXiv 1608.00507, section 4.2; TorchRay): those whose
/// region has less than a quarter of the image, while another measured target of the image lies apart from it. To point
/// at the middle, or at whatever stands out, does not find them.
enum DifficultTargets {
    /// The field of a difficult target's records, 1.
    static let field = "difficult"
    /// A region of a smaller share of the image is small.
    static let largestShare = 0.25

    /// Whether each target is difficult. Two regions are apart if their IoU is below ``Discrimination/overlap``.
    static func find(_ targets: [MapTarget]) -> [Bool] {
        targets.map { target in
            target.region.share < largestShare
                && targets.contains { $0.region.iou(target.region) < Discrimination.overlap }
        }
    }
}
