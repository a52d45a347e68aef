import Tensors
import Vision

/// What stands for "no image" where evidence is measured. Models are shipped with ``mean``; the others are there to be
/// compared with it.
public enum NoImage: String, CaseIterable, Sendable {
    /// The training images' mean feature map, which the model's folder holds.
    case mean
    /// The feature map of the image itself, reduced to 4x4 pixels and enlarged again: its colours and their places stay.
    case blurred
    /// The feature map of an image that has the preprocessing's mean colour everywhere.
    case gray

    /// An image that stands for no image; nil for ``mean``, which is no image but a feature map.
    /// - Parameters:
    ///   - photo: the image whose evidence is measured.
    ///   - preprocessing: gives the mean colour, in units of 0...255.
    func image(of photo: Image, _ preprocessing: Preprocessing) -> Image? {
        switch self {
        case .mean: return nil
        case .blurred:
            return photo.resized(width: 4, height: 4, filter: .bilinear)
                .resized(width: preprocessing.width, height: preprocessing.height, filter: .bilinear)
        case .gray:
            let mean = preprocessing.mean.map { UInt8(max(0, min(255, $0.rounded()))) }
            return Image(
                width: preprocessing.width, height: preprocessing.height, color: (mean[0], mean[1], mean[2]))
        }
    }
}
