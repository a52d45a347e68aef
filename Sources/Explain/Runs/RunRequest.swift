import Foundation

/// What the requests of all tasks have.
protocol RunRequest {
    var photo: URL { get set }
    var rendering: RenderingOptions { get set }
}

extension RunRequest {
    /// What tells the request from others in an output folder: all its values but that folder.
    var key: String {
        var request = self
        request.photo = photo.standardizedFileURL.absoluteURL
        request.rendering.folder = URL(fileURLWithPath: "/")
        return ResultFiles.key(of: request)
    }
}
