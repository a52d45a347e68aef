import Tensors
import Vision

/// What stands for "no image" where evidence is measured. Explanations use ``typical``; the others are there to be
/// compared with it.
public enum NoImage: String, CaseIterable, Sendable {
    /// A few typical training images, whose feature maps the model's folder holds: the mean of what is said of them.
    case typical
    /// The mean of these feature maps.
    case mean
    /// The feature map of the image itself, reduced to 4x4 pixels and enlarged again: its colours and their places stay.
    case blurred
    /// The feature map of an image that has the preprocessing's mean colour everywhere.
    case gray

    /// An image that stands for no image; nil for ``typical`` and ``mean``, which are feature maps.
    /// - Parameters:
    ///   - photo: the image whose evidence is measured.
    ///   - preprocessing: gives the mean colour, in units of 0...255.
    func image(of photo: Image, _ preprocessing: Preprocessing) -> Image? {
        let placement = preprocessing.placement(originalWidth: photo.width, originalHeight: photo.height)
        let (width, height) = (placement.modelWidth, placement.modelHeight)
        switch self {
        case .typical, .mean: return nil
        case .blurred:
            return photo.resized(width: 4, height: 4, filter: .bilinear)
                .resized(width: width, height: height, filter: .bilinear)
        case .gray:
            let mean = preprocessing.mean.map { UInt8(max(0, min(255, $0.rounded()))) }
            return Image(width: width, height: height, color: (mean[0], mean[1], mean[2]))
        }
    }
}
