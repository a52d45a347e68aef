import Support

/// A data set that cannot be used: which file, which line, and why.
public typealias DatasetError = FileError<DatasetFile>

/// The files of a data set, as ``DatasetError`` speaks of them.
public enum DatasetFile: FileErrorSubject {
    public static let messageStart = ""
    public static let failureCode = FailureCode.dataset
}
