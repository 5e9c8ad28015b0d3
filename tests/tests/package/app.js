import "partway/element";

document.body.innerHTML = '<partway-uploader endpoint="http://127.0.0.1:8080"></partway-uploader>';
